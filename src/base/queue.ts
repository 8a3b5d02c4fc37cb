// A first-in first-out queue on a circular array: no shifting, no node per entry. Freed places are cleared, so a
// queue never keeps what it gave away.

const START = 4

export class Queue<T> {
  #items: (T | undefined)[] = new Array(START)
  #mask = START - 1
  #first = 0
  /** Entries; only the queue changes it. A plain field: it is asked for on the way of every message. */
  length = 0

  push(item: T): void {
    if (this.length > this.#mask) this.#grow()
    this.#items[(this.#first + this.length) & this.#mask] = item
    this.length++
  }

  peek(): T | undefined {
    return this.length === 0 ? undefined : this.#items[this.#first]
  }

  shift(): T | undefined {
    if (this.length === 0) return undefined
    const item = this.#items[this.#first]
    this.#items[this.#first] = undefined
    this.#first = (this.#first + 1) & this.#mask
    this.length--
    return item
  }

  /** Takes everything out, in order. */
  drain(): T[] {
    const all: T[] = []
    for (let item = this.shift(); item !== undefined; item = this.shift()) all.push(item)
    return all
  }

  #grow(): void {
    const items: (T | undefined)[] = new Array(this.#items.length * 2)
    for (let i = 0; i < this.length; i++) items[i] = this.#items[(this.#first + i) & this.#mask]
    this.#items = items
    this.#mask = items.length - 1
    this.#first = 0
  }
}
