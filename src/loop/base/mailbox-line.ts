// A line of messages, linked through the messages themselves. What it keeps: first come, first served; a message stands in
// one line at a time; and an empty line holds nothing, since most mailboxes are empty.
import type { Message } from './message.js'

/** Messages first come, first served. */
export class MessageLine {
  #first: Message | undefined
  #last: Message | undefined
  /** Plain, since it is read for every message; changed here alone. */
  length = 0

  push(message: Message): void {
    if (this.#last === undefined) this.#first = message
    else this.#last.behind = message
    this.#last = message
    this.length++
  }

  /** Puts a message before all others: it was taken out, and is not to begin yet. */
  unshift(message: Message): void {
    message.behind = this.#first
    this.#first = message
    this.#last ??= message
    this.length++
  }

  shift(): Message | undefined {
    const message = this.#first
    if (message === undefined) return undefined
    this.#first = message.behind
    message.behind = undefined
    if (this.#first === undefined) this.#last = undefined
    this.length--
    return message
  }

  /** Takes out the first that is `wanted`. */
  take(wanted: (message: Message) => boolean): Message | undefined {
    let before: Message | undefined
    for (let message = this.#first; message !== undefined; message = message.behind) {
      if (wanted(message)) {
        if (before === undefined) return this.shift()
        before.behind = message.behind
        if (this.#last === message) this.#last = before
        message.behind = undefined
        this.length--
        return message
      }
      before = message
    }
    return undefined
  }

  /** Each of them, in order. Nothing may be put in or taken out meanwhile. */
  *all(): Iterable<Message> {
    for (let message = this.#first; message !== undefined; message = message.behind) yield message
  }

  /** Whether each of them is `such`. */
  every(such: (message: Message) => boolean): boolean {
    for (let message = this.#first; message !== undefined; message = message.behind) if (!such(message)) return false
    return true
  }

  /** Takes everything out, in order. */
  drain(): Message[] {
    const all: Message[] = []
    for (let message = this.shift(); message !== undefined; message = this.shift()) all.push(message)
    return all
  }
}
