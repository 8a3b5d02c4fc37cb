// Encodes and decodes one error on a thread of its own, since a codec that went on for ever could not be stopped.
import { parentPort, workerData } from 'node:worker_threads'
import { Codec } from '#ringreeve/transport/codec.js'
import { Source } from '#ringreeve/transport/reader.js'
import { knots } from './knots.js'

const codec = new Codec()
const error = knots[workerData as string]?.()
const bytes = codec.encode(error)
const back = codec.decode(new Source(codec.bytes, []), 0, bytes, false)
parentPort?.postMessage({ message: (back as Error).message, bytes })
