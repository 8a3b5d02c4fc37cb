// Encodes and decodes one error on a thread of its own, since a codec that went on for ever could not be stopped.
import { parentPort, workerData } from 'node:worker_threads'
import { bodyOf } from '#ringreeve/transport/body.js'
import { Codec } from '#ringreeve/transport/codec.js'
import { Shape } from '#ringreeve/transport/shapes.js'
import { Source } from '#ringreeve/transport/source.js'
import { knots } from './knots.js'

const codec = new Codec()
const error = knots[workerData as string]?.()
const body = bodyOf(undefined)
codec.encode(error, body)
const shapes = Array.from({ length: body.shapes }, (_, id) => new Shape(body.book?.text(id) ?? ''))
const back = codec.decode(new Source(body.bytes as Uint8Array, shapes), 0, body.length, false, body.linked)
parentPort?.postMessage({ message: (back as Error).message, bytes: body.length })
