// Dead letters: messages that nobody could or should be given again. What it keeps: at most so many, and so many bytes of them; the
// oldest go first and are counted; a letter that is replayed is gone only once its message was handled.

import { shown } from '../agent/check.js'
import { InvalidArgumentError } from '../agent/errors.js'
import type { EventType, MessageType, RequestType } from '../agent/message.js'
import { bytesOf } from '../base/bytes.js'
import type { Letter } from '../observe/log.js'
import type { DeadLetter, DeadLetters } from './api.js'
import type { RuntimeOptions } from './options.js'

const CAPACITY = 1_000
const MAX_BYTES = 64 * 2 ** 20

/** How letters are sent again. */
export interface Replayer {
  send(message: RequestType, payload: unknown, recipient: string, messageId: string): Promise<unknown>
  publish(message: EventType, payload: unknown, topic: string, messageId: string): Promise<void>
}

/** The dead letters of one runtime; they outlive its stops. */
export class LetterBox implements DeadLetters {
  readonly #replayer: Replayer
  readonly #capacity: number
  readonly #maxBytes: number
  readonly #letters = new Map<number, DeadLetter>()
  /** Of each letter, about. */
  readonly #sizes = new Map<number, number>()
  /** Letters that are being replayed: they come back if that fails. */
  readonly #replayed = new Set<number>()
  #bytes = 0
  #last = 0
  dropped = 0

  constructor(replayer: Replayer, { capacity = CAPACITY, maxBytes = MAX_BYTES }: RuntimeOptions['deadLetters'] = {}) {
    this.#replayer = replayer
    this.#capacity = capacity
    this.#maxBytes = maxBytes
  }

  get size(): number {
    return this.#letters.size
  }

  add(letter: Letter): DeadLetter {
    const dead = { ...letter, id: ++this.#last }
    this.#put(dead)
    return dead
  }

  list(): readonly DeadLetter[] {
    return [...this.#letters.values()]
  }

  async replay(id: number, type?: MessageType): Promise<unknown> {
    const letter = this.#letters.get(id)
    if (letter === undefined) throw new InvalidArgumentError(`there is no dead letter ${id}`)
    const { message: name, payload, messageId, recipient, topic } = letter
    const kind = recipient === undefined ? 'event' : 'request'
    if (type !== undefined && (type?.kind !== kind || type.name !== name)) {
      const got = type?.name === undefined ? shown(type) : `${type.kind} '${type.name}'`
      throw new InvalidArgumentError(`replay(): dead letter ${id} is ${kind} '${name}', got ${got}`)
    }
    const bytes = this.#take(id)
    this.#replayed.add(id)
    try {
      if (recipient !== undefined) {
        return await this.#replayer.send({ ...type, kind: 'request', name }, payload, recipient, messageId)
      }
      // its schema has seen the payload before: it was published, and not heard
      const event: EventType = { ...type, kind: 'event', name, payload: undefined }
      return await this.#replayer.publish(event, payload, topic as string, messageId)
    } catch (error) {
      if (!this.#replayed.has(id)) throw error // it was thrown away meanwhile
      const all = [...this.#letters.values(), letter].sort((a, b) => a.id - b.id)
      this.#letters.clear() // it comes to its old place: the oldest go first
      for (const one of all) this.#letters.set(one.id, one)
      this.#sizes.set(id, bytes)
      this.#bytes += bytes
      this.#makeRoom()
      throw error
    } finally {
      this.#replayed.delete(id)
    }
  }

  discard(id?: number): number {
    if (id !== undefined) return this.#replayed.delete(id) || this.#take(id) > 0 ? 1 : 0
    const size = this.#letters.size + this.#replayed.size
    this.#replayed.clear()
    this.#letters.clear()
    this.#sizes.clear()
    this.#bytes = 0
    return size
  }

  #put(letter: DeadLetter): void {
    const bytes = bytesOf(letter, this.#maxBytes)
    if (bytes > this.#maxBytes) {
      this.dropped++ // it has no room alone: no other goes for it in vain
      return
    }
    this.#letters.set(letter.id, letter)
    this.#sizes.set(letter.id, bytes)
    this.#bytes += bytes
    this.#makeRoom()
  }

  #makeRoom(): void {
    while (this.#letters.size > this.#capacity || this.#bytes > this.#maxBytes) {
      const [oldest] = this.#letters.keys()
      this.#drop(oldest as number)
    }
  }

  #drop(id: number): void {
    this.#take(id)
    this.dropped++
  }

  /** @returns the bytes that it took; 0 if there is no such letter */
  #take(id: number): number {
    const bytes = this.#sizes.get(id) ?? 0
    this.#letters.delete(id)
    this.#sizes.delete(id)
    this.#bytes -= bytes
    return bytes
  }
}
