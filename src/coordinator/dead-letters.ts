// Dead letters: messages that nobody could or should be given again. What it keeps: at most so many, the oldest go
// first and are counted; a letter that is replayed is gone only once its message was handled.

import { shown } from '../agent/check.js'
import { InvalidArgumentError } from '../agent/errors.js'
import type { EventType, MessageType, RequestType } from '../agent/message.js'
import type { Letter } from '../observe/log.js'
import type { DeadLetter, DeadLetters } from './api.js'

const CAPACITY = 1_000

/** How letters are sent again. */
export interface Replayer {
  send(message: RequestType, payload: unknown, recipient: string, messageId: string): Promise<unknown>
  publish(message: EventType, payload: unknown, topic: string, messageId: string): Promise<void>
}

/** The dead letters of one runtime; they outlive its stops. */
export class LetterBox implements DeadLetters {
  readonly #replayer: Replayer
  readonly #capacity: number
  readonly #letters = new Map<number, DeadLetter>()
  #last = 0
  dropped = 0

  constructor(replayer: Replayer, capacity = CAPACITY) {
    this.#replayer = replayer
    this.#capacity = capacity
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
    this.#letters.delete(id)
    try {
      if (recipient !== undefined) {
        return await this.#replayer.send({ ...type, kind: 'request', name }, payload, recipient, messageId)
      }
      // its schema has seen the payload before: it was published, and not heard
      const event: EventType = { ...type, kind: 'event', name, payload: undefined }
      return await this.#replayer.publish(event, payload, topic as string, messageId)
    } catch (error) {
      const all = [...this.#letters.values(), letter].sort((a, b) => a.id - b.id)
      this.#letters.clear()
      for (const one of all) this.#put(one) // in its old place: the oldest go first
      throw error
    }
  }

  discard(id?: number): number {
    if (id !== undefined) return this.#letters.delete(id) ? 1 : 0
    const { size } = this.#letters
    this.#letters.clear()
    return size
  }

  #put(letter: DeadLetter): void {
    if (this.#letters.size >= this.#capacity) {
      const [oldest] = this.#letters.keys()
      this.#letters.delete(oldest as number)
      this.dropped++
    }
    this.#letters.set(letter.id, letter)
  }
}
