// A link joins two loops: per direction two rings (work; answers and control), and one MessagePort for doorbells and
// for bodies that do not fit a ring. What it keeps: frames of one lane arrive in the order in which they were sent,
// whichever way their bodies went, because every frame has its place in the ring and fetches its body when its turn
// comes. A full ring never blocks: frames wait in their lane, in order, until the reader has made room.
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import { Bell } from '../sync/bell.js'
import { CancelFlags } from '../sync/cancel.js'
import { Status } from '../sync/status.js'
import { InLane } from './in-lane.js'
import { type Bulk, OutLane } from './out-lane.js'
import { RingReader, RingWriter } from './ring.js'

/** What one end of a link is made of; can be sent to a thread (transfer `port`). */
export interface LinkParts {
  /** Index of the loop at the other end, and which of its lives. */
  readonly peer: number
  readonly life: number
  readonly work: { readonly out: SharedArrayBuffer; readonly in: SharedArrayBuffer }
  readonly answers: { readonly out: SharedArrayBuffer; readonly in: SharedArrayBuffer }
  readonly port: MessagePort
  /** Status block and cancel flags of the other end. */
  readonly status: SharedArrayBuffer
  readonly flags: SharedArrayBuffer
}

const DOORBELL = 0

/** One end of a link. */
export class Link {
  readonly peer: number
  readonly life: number
  readonly work: { readonly out: OutLane; readonly in: InLane }
  readonly answers: { readonly out: OutLane; readonly in: InLane }
  readonly status: Status
  readonly flags: CancelFlags
  readonly #bell: Bell
  readonly #port: MessagePort
  readonly #receive: (port: MessagePort) => { readonly message: unknown } | undefined
  readonly #arrived = new Map<number, unknown>()
  #bulk = 0

  /**
   * @param rung called when the other end rings the doorbell
   * @param busy whether this loop has more to do before it comes to rest
   * @param receive takes a message that has come to a port, ahead of its event
   */
  constructor(
    parts: LinkParts,
    rung: () => void,
    busy: () => boolean = () => false,
    receive: (port: MessagePort) => { readonly message: unknown } | undefined = receiveMessageOnPort,
  ) {
    this.peer = parts.peer
    this.life = parts.life
    this.status = new Status(parts.status)
    this.flags = new CancelFlags(parts.flags)
    this.#bell = new Bell(this.status)
    this.#port = parts.port
    this.#receive = receive
    const nextBulk = () => (this.#bulk = (this.#bulk + 1) | 0) // it goes through an Int32
    const wake = () => this.wake(busy())
    const fetch = (number: number) => this.#take(number)
    const out = (memory: SharedArrayBuffer) => new OutLane(new RingWriter(memory), parts.port, nextBulk, wake)
    const incoming = (memory: SharedArrayBuffer) => new InLane(new RingReader(memory), fetch)
    this.work = { out: out(parts.work.out), in: incoming(parts.work.in) }
    this.answers = { out: out(parts.answers.out), in: incoming(parts.answers.in) }
    this.#port.on('message', (message: Bulk | typeof DOORBELL) => {
      if (message === DOORBELL) rung()
      else this.#arrived.set(message.number, message.value)
    })
  }

  /** Wakes the loop at the other end if it sleeps. @param patient not if it dozes: it will look by itself */
  wake(patient = false): void {
    if (this.#bell.ring(patient)) this.#port.postMessage(DOORBELL)
  }

  /** Shows what was written on both lanes. */
  show(): void {
    this.work.out.show()
    this.answers.out.show()
  }

  /** Whether there are frames to take, or frames that waited for room and have it now. */
  get hasWork(): boolean {
    return !this.answers.in.empty || !this.work.in.empty || this.answers.out.canRetry || this.work.out.canRetry
  }

  /** Frames taken from the other end, of both lanes. */
  get taken(): number {
    return this.work.in.frames + this.answers.in.frames
  }

  /** Frames written for the other end. */
  get written(): number {
    return this.work.out.frames + this.answers.out.frames
  }

  /** Whether the loop at the other end is awake. */
  get awake(): boolean {
    return this.#bell.awake
  }

  /** Lets go of everything: its rings and flags may serve another life as soon as both ends have done so. */
  close(): void {
    this.#port.close()
    this.flags.close()
  }

  /** A body that was sent by port. It was posted before its frame was shown, so it is there. */
  #take(number: number): unknown {
    while (!this.#arrived.has(number)) {
      const next = this.#receive(this.#port) as { message: Bulk | typeof DOORBELL } | undefined
      if (next === undefined) throw new Error(`body ${number} from loop ${this.peer} did not come with its frame`)
      if (next.message !== DOORBELL) this.#arrived.set(next.message.number, next.message.value)
    }
    const value = this.#arrived.get(number)
    this.#arrived.delete(number)
    return value
  }
}
