// Texts as numbers, at the two ends of one lane. What it keeps: a number stands in a frame only after a frame before it in the
// same lane told its text, and all numbers of one frame are good at once. There are so many texts, of so many characters, and
// when either is used up the sender begins anew with number 1, which tells the reader to forget too: agents and topics may be
// named without end, and their names be long. It begins anew behind a whole frame, never within one, however much that names.
import type { Envelope } from './frame.js'

const NAMES = 65_536
/** Characters of all names: 64 for each. */
const CHARACTERS = 64 * NAMES

/** The number that is told first; told again, it takes back all that were told before. */
export const FIRST_NAME = 1

/** The names that one lane has told the other end. */
export class Names {
  readonly #tell: (number: number, text: string) => boolean
  #numbers = new Map<string, number>()
  #characters = 0
  /** Numbers of sender, recipient, topic and message of the envelope that was interned last; 0 is none. */
  readonly fixed = [0, 0, 0, 0]
  /** Numbers of the agents in its chain; good as far as it has one. */
  readonly chain: number[] = []
  /** Whether it is to begin anew, once the frame that is being written is written. */
  full = false

  /** @param tell writes a frame with a name; false when there is no room for it */
  constructor(tell: (number: number, text: string) => boolean) {
    this.#tell = tell
  }

  /** Fills {@link fixed} and {@link chain}. @returns false when there is no room to tell the other end a new name */
  intern(envelope: Envelope): boolean {
    const { chain } = envelope
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
    // only now: a new name is told by a frame of its own, which passes through here too
    this.fixed[0] = sender
    this.fixed[1] = recipient
    this.fixed[2] = topic
    this.fixed[3] = message
    return true
  }

  /** Begins anew. Not while a frame is being written: its numbers would mean nothing. */
  forget(): void {
    this.#numbers = new Map()
    this.#characters = 0
    this.full = false
  }

  /** @returns the number of a text, or -1 when there is no room to tell the other end */
  #number(text: string): number {
    const known = this.#numbers.get(text)
    if (known !== undefined) return known
    const number = this.#numbers.size + FIRST_NAME
    if (!this.#tell(number, text)) return -1
    this.#numbers.set(text, number)
    this.#characters += text.length
    this.full = this.#numbers.size >= NAMES || this.#characters >= CHARACTERS
    return number
  }
}
