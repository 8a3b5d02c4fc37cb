// Encodes and decodes one error on a thread of its own, since a codec that went on for ever could not be stopped.
import { parentPort, workerData } from 'node:worker_threads'
import { Codec } from '#ringreeve/transport/codec.js'
import { knots } from './knots.js'

const codec = new Codec()
const error = knots[workerData as string]?.()
const bytes = codec.encode(error).slice()
const back = codec.decodeOwn(bytes)
parentPort?.postMessage({ message: (back as Error).message, bytes: bytes.length })
