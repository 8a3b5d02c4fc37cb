// What waits for one agent. What it keeps: messages in the order in which they came; before them those from the agent's own call
// chains, which wait neither for the turns that wait for them nor for its end; and whoever is to be told when there is room. Most
// agents have none: it is there as long as there is anything in it.
import { TIMER } from '../../agent/message.js'
import { MessageLine } from '../base/mailbox-line.js'
import type { Message } from '../base/message.js'

/** The messages that wait for one agent. */
export class Mailbox {
  readonly #line = new MessageLine()
  #calls: MessageLine | undefined
  #listeners: (() => void)[] | undefined
  // plain, since they are read for every message; changed here alone
  /** Messages that wait for their turn in the line. */
  queued = 0
  /** Calls from the agent's own call chains. */
  inner = 0

  /** Whether there is nothing in it. */
  get empty(): boolean {
    return this.queued === 0 && this.inner === 0 && this.#listeners === undefined
  }

  push(message: Message): void {
    this.#line.push(message)
    this.queued++
  }

  /** Puts in a call from the agent's own call chain. */
  pushInner(message: Message): void {
    this.#calls ??= new MessageLine()
    this.#calls.push(message)
    this.inner++
  }

  /** Puts a message back in its old place, before all others. */
  putBack(message: Message): void {
    this.#line.unshift(message)
    this.queued++
  }

  /** Takes out the next that may begin. @param room who waits for room is told when no more than so many are left */
  shift(room: number): Message {
    const inner = this.#calls?.shift()
    if (inner !== undefined) {
      this.inner--
      return inner
    }
    this.queued--
    if (this.#listeners !== undefined && this.queued <= room) this.tellRoom()
    return this.#line.shift() as Message
  }

  /** Takes out the oldest that may be dropped: no tick, or a one-shot timer would be gone. */
  takeOldest(): Message | undefined {
    const oldest = this.#line.take(({ name }) => name !== TIMER)
    if (oldest !== undefined) this.queued--
    return oldest
  }

  /** Takes out that one. @returns whether it was there */
  take(message: Message): boolean {
    const there = this.#line.take(one => one === message) !== undefined
    if (there) this.queued--
    return there
  }

  /** Whether all that waits is `such`. */
  every(such: (message: Message) => boolean): boolean {
    return (this.#calls?.every(such) ?? true) && this.#line.every(such)
  }

  /** Takes out what waits in the line. */
  drainLine(): Message[] {
    this.queued = 0
    return this.#line.drain()
  }

  /** Takes out everything. */
  drain(): Message[] {
    const calls = this.#calls?.drain() ?? []
    this.inner = 0
    return [...calls, ...this.drainLine()]
  }

  /** Whether somebody waits for room. */
  get waitedFor(): boolean {
    return this.#listeners !== undefined
  }

  /** Tells `listener` once there is room. */
  whenRoom(listener: () => void): void {
    this.#listeners ??= []
    this.#listeners.push(listener)
  }

  /** There is room. */
  tellRoom(): void {
    const listeners = this.#listeners
    this.#listeners = undefined
    for (const listener of listeners ?? []) listener()
  }
}
