// What waits for one agent. What it keeps: messages in the order in which they came; before them those from the agent's own call
// chains, which wait neither for the turns that wait for them nor for its end; and whoever is to be told when there is room. Most
// agents have none: it is there as long as there is anything in it.
import { TIMER } from '../../agent/message.js'
import { MessageLine } from '../base/mailbox-line.js'
import type { Message } from '../base/message.js'

/** Empty mailboxes, to be used again: an event to a thousand agents would else make a thousand for one moment each. */
const spare: Mailbox[] = []
const MOST_SPARE = 1_024
const PURGE_FROM = 64

/** The messages that wait for one agent. */
export class Mailbox extends MessageLine {
  #calls: MessageLine | undefined
  #listeners: (() => void)[] | undefined
  /** Loops of which it is not known yet whether they hold back more than there was room for. */
  expected = 0
  /** At how many messages it is looked next whether they are wanted still. */
  #purgeAt = PURGE_FROM
  /** The same, of those that come while it is full. */
  #purgeAfter = 0

  /** An empty one, for an agent that has none. */
  static empty(): Mailbox {
    return spare.pop() ?? new Mailbox()
  }

  /** Gives it back if there is nothing in it. @returns whether it is another agent's from now on */
  giveBack(): boolean {
    const empty = this.length === 0 && this.#calls === undefined && !this.waitedFor
    if (!empty) return false
    this.#purgeAt = PURGE_FROM
    this.#purgeAfter = 0
    if (spare.length < MOST_SPARE) spare.push(this)
    return true
  }

  /** Calls from the agent's own call chains. */
  get inner(): number {
    return this.#calls === undefined ? 0 : this.#calls.length
  }

  /** Puts in a call from the agent's own call chain. */
  pushInner(message: Message): void {
    this.#calls ??= new MessageLine()
    this.#calls.push(message)
  }

  /** Takes out the next that may begin. @param room who waits for room is told when no more than so many are left */
  next(room: number): Message {
    const calls = this.#calls
    if (calls !== undefined) {
      const call = calls.shift() as Message
      if (calls.length === 0) this.#calls = undefined
      return call
    }
    const message = this.shift() as Message
    this.tellIfRoom(room)
    return message
  }

  /** Something was taken out: who waits for room is told when no more than so many are left. */
  tellIfRoom(room: number): void {
    if (this.#listeners !== undefined && this.length <= room) this.tellRoom()
  }

  /** Takes out the oldest that may be dropped: no tick, or a one-shot timer would be gone. */
  takeOldest(): Message | undefined {
    return this.take(({ name }) => name !== TIMER)
  }

  override every(such: (message: Message) => boolean): boolean {
    return (this.#calls?.every(such) ?? true) && super.every(such)
  }

  override *all(): Iterable<Message> {
    if (this.#calls !== undefined) yield* this.#calls.all()
    yield* super.all()
  }

  /** What waits in the line. */
  line(): Iterable<Message> {
    return super.all()
  }

  /** Takes out what waits in the line. */
  drainLine(): Message[] {
    return super.drain()
  }

  /**
   * Whether it is to be looked, now that another comes, which of them are wanted still. Of more than a few not before as many have
   * come as there were at the last look.
   */
  isToPurge(capacity: number): boolean {
    if (this.length >= this.#purgeAt) return true
    return this.length >= capacity && --this.#purgeAfter < 0
  }

  /** Takes out what was cancelled meanwhile. */
  purge(): Message[] {
    const unwanted: Message[] = []
    const wanted = super.every(({ cancellation }) => cancellation?.cancelled !== true)
    for (const message of wanted ? [] : this.drainLine()) {
      if (message.cancellation?.cancelled === true) unwanted.push(message)
      else this.push(message)
    }
    this.#purgeAt = Math.max(PURGE_FROM, 2 * this.length)
    this.#purgeAfter = this.length <= PURGE_FROM ? 0 : this.length
    return unwanted
  }

  /** Takes out everything. */
  override drain(): Message[] {
    const calls = this.#calls?.drain() ?? []
    this.#calls = undefined
    return [...calls, ...super.drain()]
  }

  /** Whether somebody waits for room. */
  get waitedFor(): boolean {
    return this.#listeners !== undefined || this.expected > 0
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
