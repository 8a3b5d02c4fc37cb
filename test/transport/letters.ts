// What tests send over links: numbered letters whose bodies go every way that a body can go, the parts of links, and a
// pump that serves one end of a link as a loop does: it works as long as there is work, arms its bell, looks once more,
// and leaves the rest to the doorbell.
import { MessageChannel } from 'node:worker_threads'
import { Bell, PARKED } from '#ringreeve/sync/bell.js'
import { CancelFlags } from '#ringreeve/sync/cancel.js'
import { Status } from '#ringreeve/sync/status.js'
import { bodyOf } from '#ringreeve/transport/body.js'
import { type Envelope, emptyEnvelope, Flag, Kind } from '#ringreeve/transport/frame.js'
import type { InLane, Refuse, Take, TakenBody } from '#ringreeve/transport/in-lane.js'
import { Link, type LinkParts } from '#ringreeve/transport/link.js'
import type { OutLane, Written } from '#ringreeve/transport/out-lane.js'
import { createRing } from '#ringreeve/transport/ring.js'

/** The ways of a body: none, in the ring, too big for it, and what only a structured clone or a transfer can carry. */
export const ways = ['none', 'small', 'big', 'shared', 'instance', 'moved'] as const
export type Way = (typeof ways)[number]

class Instance {
  readonly number: number
  readonly table: Map<string, number>
  constructor(number: number) {
    this.number = number
    this.table = new Map([[`${number}`, number]])
  }
}

/** Contents that follow from the number of the letter. */
export function contents(number: number, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length)
  for (let i = 0; i < length; i++) bytes[i] = (number * 31 + i * 7) & 0xff
  return bytes
}

/** Sends letter `number`. @param size bytes of a body that is bytes. @returns whether it is in the ring at once */
export function post(lane: OutLane, number: number, way: Way, size: number, written?: Written): boolean {
  const envelope = emptyEnvelope(Kind.REQUEST)
  envelope.sequence = number
  envelope.slot = ways.indexOf(way)
  envelope.generation = size
  envelope.sender = `sender/${number % 7}`
  envelope.recipient = `recipient/${number % 211}`
  let body = bodyOf(way === 'none' ? undefined : contents(number, 8))
  if (way === 'none') envelope.flags |= Flag.EMPTY
  else if (way === 'small' || way === 'big') body = bodyOf(contents(number, size))
  else if (way === 'instance') body.beside = [new Instance(number)]
  else if (way === 'shared') {
    const memory = new SharedArrayBuffer(size)
    new Uint8Array(memory).set(contents(number, size))
    body.beside = [memory]
  } else {
    const { buffer } = contents(number, size)
    body.beside = [{ buffer }]
    body.transfer = [buffer]
  }
  const done = lane.send(envelope, body, written) >= 0
  body.bytes?.fill(0xff) // what was sent is what it was
  envelope.sequence = -1
  envelope.recipient = 'nobody'
  return done
}

/** A letter as it came. */
export interface Letter {
  readonly number: number
  readonly way: Way
  readonly size: number
}

/** Reads a letter. @throws Error when anything of it is wrong */
export function read(envelope: Envelope, body: TakenBody): Letter {
  const [fetched] = body.source.beside
  const { sequence: number, slot, generation: size } = envelope
  const way = ways[slot] as Way
  const wrong = (what: unknown): never => {
    throw new Error(`letter ${number} (${way}, ${size} bytes) came with ${String(what)}`)
  }
  if (envelope.sender !== `sender/${number % 7}`) wrong(envelope.sender)
  if (envelope.recipient !== `recipient/${number % 211}`) wrong(envelope.recipient)
  const isBytes = (got: Uint8Array) => {
    if (Buffer.compare(got, contents(number, size)) !== 0) wrong('other contents')
  }
  const byPort = (envelope.flags & Flag.BULK) !== 0
  if (way === 'none') {
    if (body.length !== 0 || byPort) wrong('a body')
  } else if (way === 'small' || way === 'big') {
    isBytes(new Uint8Array(body.source.bytes.subarray(body.offset, body.offset + body.length)))
  } else if (way === 'shared') {
    if (!(fetched instanceof SharedArrayBuffer)) wrong('memory of its own')
    isBytes(new Uint8Array(fetched as SharedArrayBuffer).slice())
  } else if (way === 'instance') {
    const value = fetched as Instance
    if (value.number !== number || value.table.get(`${number}`) !== number) wrong(JSON.stringify(value))
  } else isBytes(new Uint8Array((fetched as { buffer: ArrayBuffer }).buffer))
  return { number, way, size }
}

/** The two ends of a new link, each as the other loop is seen from it, with the status block of each loop. */
export function linkParts(capacity: number) {
  const statuses = [new Status(), new Status()] as const
  const flags = [new CancelFlags(), new CancelFlags()] as const
  const there = { work: createRing(capacity), answers: createRing(capacity) }
  const back = { work: createRing(capacity), answers: createRing(capacity) }
  const { port1, port2 } = new MessageChannel()
  const part = (peer: 0 | 1, out: typeof there, into: typeof there, port: typeof port1): LinkParts => ({
    peer,
    life: 1,
    work: { out: out.work, in: into.work },
    answers: { out: out.answers, in: into.answers },
    port,
    status: statuses[peer].memory,
    flags: flags[peer].memory,
  })
  return { parts: [part(1, there, back, port1), part(0, back, there, port2)] as const, statuses, flags }
}

/** Both ends of a link on this thread; nobody serves them. */
export function joined(capacity = 65_536) {
  const { parts, statuses } = linkParts(capacity)
  const rung = [0, 0]
  const [a, b] = parts.map((part, i) => new Link(part, () => rung[i]!++)) as [Link, Link]
  const close = () => {
    a.close()
    b.close()
  }
  return { a, b, rung, bells: statuses.map(status => new Bell(status)) as [Bell, Bell], close, [Symbol.dispose]: close }
}

/** Hands over everything that is in a lane, or up to `limit` frames. */
export function drain(lane: InLane, take: Take, limit = 1_000_000): number {
  const refuse: Refuse = (_, error) => {
    throw error
  }
  let taken = 0
  while (taken < limit && !lane.empty) taken += lane.drain(limit - taken, take, () => {}, refuse)
  return taken
}

/** Serves one end of a link. */
export class Pump {
  readonly link: Link
  readonly #bell: Bell
  readonly #take: Take
  /** Times it went to sleep. */
  sleeps = 0

  constructor(parts: LinkParts, own: Status, take: (link: Link, ...frame: Parameters<Take>) => void) {
    this.link = new Link(parts, () => this.run())
    this.#bell = new Bell(own)
    this.#take = (...frame) => take(this.link, ...frame)
  }

  run(): void {
    this.#bell.disarm()
    const { link } = this
    const { answers, work } = link
    for (let turns = 0; turns < 50; turns++) {
      answers.out.retry()
      work.out.retry()
      drain(answers.in, this.#take, 64)
      drain(work.in, this.#take, 16)
      if (answers.in.spaceWanted() || work.in.spaceWanted()) link.wake()
      link.show()
      if (link.hasWork) continue
      this.#bell.arm(PARKED)
      if (!link.hasWork) {
        this.sleeps++
        return
      }
      this.#bell.disarm()
    }
    setImmediate(() => this.run())
  }
}
