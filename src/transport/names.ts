// Texts as numbers, at the sender of one lane. What it keeps: a number stands in a frame only after a frame before it in
// the same lane told its text, and all numbers of one frame are good at once, also when numbers are used again because
// there are more texts than numbers. Its reader needs no more than a list: whatever a number was told last is its text.
import type { Envelope } from './frame.js'

const NAMES = 65_536

/** The names that one lane has told the other end. */
export class Names {
  readonly #tell: (number: number, text: string) => boolean
  readonly #numbers = new Map<string, number>()
  readonly #texts: string[] = []
  #next = 0
  /** Numbers of sender, recipient, topic and message of the envelope that was interned last; 0 is none. */
  readonly fixed = [0, 0, 0, 0]
  /** Numbers of the agents in its chain; good as far as it has one. */
  readonly chain: number[] = []

  /** @param tell writes a frame with a name; false when there is no room for it */
  constructor(tell: (number: number, text: string) => boolean) {
    this.#tell = tell
  }

  /** Fills {@link fixed} and {@link chain}. @returns false when there is no room to tell the other end a new name */
  intern(envelope: Envelope): boolean {
    const { chain } = envelope
    const known = this.#next
    const sender = envelope.sender === undefined ? 0 : this.#number(envelope.sender)
    const recipient = envelope.recipient === undefined ? 0 : this.#number(envelope.recipient)
    const topic = envelope.topic === undefined ? 0 : this.#number(envelope.topic)
    const message = envelope.message === undefined ? 0 : this.#number(envelope.message)
    if ((sender | recipient | topic | message) < 0) return false
    if (chain !== undefined) {
      for (let i = 0; i < chain.length; i++) {
        const number = this.#number((chain[i] as { agent: string }).agent)
        if (number < 0) return false
        this.chain[i] = number
      }
    }
    // a new name may have taken the number of one that this very frame uses: then once more, until all are there
    if (this.#next !== known && this.#next > NAMES) return this.intern(envelope)
    // only now: a new name is told by a frame of its own, which passes through here too
    this.fixed[0] = sender
    this.fixed[1] = recipient
    this.fixed[2] = topic
    this.fixed[3] = message
    return true
  }

  /** @returns the number of a text, or -1 when there is no room to tell the other end */
  #number(text: string): number {
    const known = this.#numbers.get(text)
    if (known !== undefined) return known
    const number = (this.#next % NAMES) + 1
    if (!this.#tell(number, text)) return -1
    this.#next++
    const old = this.#texts[number]
    if (old !== undefined) this.#numbers.delete(old)
    this.#texts[number] = text
    this.#numbers.set(text, number)
    return number
  }
}
