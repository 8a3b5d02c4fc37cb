// A worker thread of the transport suite: one end of a one-way stream over a MessagePort, a BroadcastChannel or a bare
// ring. It sends when told to, and counts what arrives in shared memory.
import { BroadcastChannel, type MessagePort, parentPort } from 'node:worker_threads'
import { RingReader, RingWriter } from '#ringreeve/transport/ring.js'
import { type BodyName, type Pipe, type PumpOptions, portPipe, pump } from './pump.js'

export type Way = 'port' | 'array' | 'broadcast'

/** What a thread is told. Every order is answered, `send` with bodies per second. */
export type StreamOrder =
  | { readonly kind: 'port'; readonly port: MessagePort; readonly arrived: Int32Array }
  | { readonly kind: 'broadcast'; readonly name: string; readonly arrived: Int32Array | undefined }
  | { readonly kind: 'send'; readonly way: Way; readonly options: PumpOptions }
  | RingOrder

/** Both ends of a bare ring get this: the one fills it for a while with frames of a size, the other empties it. */
export interface RingOrder {
  readonly kind: 'fill' | 'drain'
  /** Used again and again, so that its pages are there. */
  readonly ring: SharedArrayBuffer
  /** Under which the ring's end is kept here. */
  readonly ringNumber: number
  /** Bytes of a body; a multiple of 8. */
  readonly bytes: number
  readonly ms: number
  /** Word 0 is the number of frames, once it is known; 1 + that. */
  readonly total: Int32Array
}

const COMMIT = 32
const KIND = 1

const writers = new Map<number, RingWriter>()
const readers = new Map<number, RingReader>()
let port: MessagePort | undefined
let broadcast: BroadcastChannel | undefined

function receive(arrived: Int32Array): (value: unknown) => void {
  return value => {
    Atomics.add(arrived, 0, Array.isArray(value) ? value.length : 1)
  }
}

function pipe(way: Way, body: BodyName): Pipe {
  return portPipe(way === 'broadcast' ? broadcast! : port!, way === 'array', body)
}

/** Copies bodies into the ring, shown 32 at a time, without any codec; spins while it is full. */
function fill({ ring, ringNumber, bytes, ms, total }: RingOrder): number {
  const writer = writers.get(ringNumber) ?? new RingWriter(ring)
  writers.set(ringNumber, writer)
  const body = new Uint8Array(bytes).fill(7)
  const frame = bytes + 8
  const began = performance.now()
  let frames = 0
  while ((frames & 31) !== 0 || performance.now() - began < ms) {
    let offset = writer.claim(frame)
    if (offset < 0) writer.show()
    while (offset < 0) offset = writer.claim(frame)
    writer.words[offset >> 2] = frame
    writer.words[(offset >> 2) + 1] = KIND
    if (bytes > 0) writer.bytes.set(body, offset + 8)
    writer.commit(frame)
    if ((++frames & (COMMIT - 1)) === 0 || frame > writer.maxFrame / 4) writer.show()
  }
  writer.show()
  Atomics.store(total, 0, frames + 1) // after the last frame is shown: who reads it can wait for all of them
  return frames / ((performance.now() - began) / 1_000)
}

/** Copies every body out of the ring. */
function drain({ ring, ringNumber, bytes, total }: RingOrder): number {
  const reader = readers.get(ringNumber) ?? new RingReader(ring)
  readers.set(ringNumber, reader)
  const copy = new Uint8Array(bytes)
  const take = (offset: number) => {
    if (bytes > 0) copy.set(reader.bytes.subarray(offset + 8, offset + 8 + bytes))
  }
  let frames = 0
  let began = 0
  while (Atomics.load(total, 0) !== frames + 1) {
    frames += reader.drain(COMMIT, take)
    if (began === 0 && frames > 0) began = performance.now()
  }
  return frames / ((performance.now() - began) / 1_000)
}

function obey(order: StreamOrder): unknown {
  switch (order.kind) {
    case 'port':
      port = order.port
      port.on('message', receive(order.arrived))
      return undefined
    case 'broadcast': {
      broadcast = new BroadcastChannel(order.name)
      const { arrived } = order
      if (arrived !== undefined) {
        const count = receive(arrived)
        broadcast.onmessage = message => count((message as MessageEvent).data)
      }
      return undefined
    }
    case 'send':
      return pump(pipe(order.way, order.options.body), order.options)
    case 'fill':
      return fill(order)
    case 'drain':
      return drain(order)
  }
}

parentPort!.on('message', (order: StreamOrder) => {
  void Promise.resolve(obey(order)).then(answer => parentPort!.postMessage(answer))
})
