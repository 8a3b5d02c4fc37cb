// A model of the ring, and a player that does the same to the ring and to the model and compares after every step. The
// model counts positions as plain numbers without end, so that it also says what the ring must do when its own 32-bit
// indices wrap.
import fc from 'fast-check'
import { createRing, RingGauge, RingReader, RingWriter } from '#ringreeve/transport/ring.js'
import { checkFrame, fillFrame, SHORTEST } from './frames.js'

/** One thing that is done to a ring. Sizes are parts of the longest frame, so that they fit rings of any capacity. */
export type Step =
  | { readonly do: 'write'; readonly size: number; readonly less: number; readonly drop: boolean }
  | { readonly do: 'show' }
  | { readonly do: 'drain'; readonly limit: number; readonly throwAt: number }
  | { readonly do: 'wantSpace'; readonly size: number }
  | { readonly do: 'spaceWanted' }

const part = fc.nat(1_000).map(n => n / 1_000)

const drains = (limit: fc.Arbitrary<number>) =>
  fc.record({
    do: fc.constant('drain' as const),
    limit,
    throwAt: fc.oneof({ weight: 4, arbitrary: fc.constant(-1) }, { weight: 1, arbitrary: fc.nat(5) }),
  })

/** Any step; so many more writes than frames taken that the ring is full much of the time, also where it wraps. */
export const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 24,
      arbitrary: fc.record({
        do: fc.constant('write' as const),
        size: part,
        less: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: part }),
        drop: fc.integer({ min: 0, max: 15 }).map(n => n === 0),
      }),
    },
    { weight: 8, arbitrary: fc.constant({ do: 'show' as const }) },
    { weight: 6, arbitrary: drains(fc.integer({ min: 1, max: 3 })) },
    { weight: 1, arbitrary: drains(fc.integer({ min: 4, max: 40 })) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('wantSpace' as const), size: part }) },
    { weight: 2, arbitrary: fc.constant({ do: 'spaceWanted' as const }) },
  ),
  { minLength: 1, maxLength: 400, size: 'max' },
)

/** What lies in the ring: a frame, or (without a number) padding. */
interface Item {
  readonly sequence: number | undefined
  readonly start: number
  readonly end: number
}

class Stop extends Error {}

function check(holds: boolean, what: string): void {
  if (!holds) throw new Error(what)
}

/** Plays steps on a ring and on its model. */
export class Player {
  readonly #capacity: number
  readonly #writer: RingWriter
  readonly #reader: RingReader
  readonly #gauge: RingGauge
  #tail = 0
  #shown = 0
  /** The tail as the reader saw it last; it looks again only when it has come that far. */
  #seen = 0
  #head = 0
  /** Where the head must be until the writer is to be told; undefined: it does not wait. */
  #wanted: number | undefined
  #sequence = 0
  /** Written and not yet passed by the reader. */
  readonly #items: Item[] = []
  /** Positions that the writer named, and what they are without end. */
  readonly #marks: { readonly position: number; readonly end: number }[] = []

  constructor(capacity: number) {
    const memory = createRing(capacity)
    this.#capacity = capacity
    this.#writer = new RingWriter(memory)
    this.#reader = new RingReader(memory)
    this.#gauge = new RingGauge(memory)
  }

  /** Brings both ends to a position (a multiple of 8) by the quickest way that the ring allows. */
  advanceTo(position: number): void {
    const { maxFrame, words } = this.#writer
    while (this.#tail < position) {
      const bytes = Math.min(maxFrame, position - this.#tail)
      const offset = this.#writer.claim(bytes)
      words[offset >> 2] = bytes
      words[(offset >> 2) + 1] = 1
      this.#writer.commit(bytes)
      this.#writer.show()
      this.#reader.drain(1, () => {})
      this.#tail += bytes
    }
    this.#shown = this.#seen = this.#head = this.#tail
    this.#compare()
  }

  play(all: readonly Step[]): void {
    for (const one of all) {
      this.#play(one)
      this.#compare()
    }
  }

  /** Publishes and takes all that is left; every frame must come. */
  finish(): void {
    this.#show()
    while (!this.#reader.empty) this.#drain(7, -1)
    this.#compare()
    check(this.#items.length === 0, `${this.#items.length} frames never came`)
  }

  /** Bytes that went through, padding included. */
  get bytes(): number {
    return this.#tail
  }

  #play(step: Step): void {
    if (step.do === 'write') this.#write(this.#bytes(step.size), step.less, step.drop)
    else if (step.do === 'show') this.#show()
    else if (step.do === 'drain') this.#drain(step.limit, step.throwAt)
    else if (step.do === 'wantSpace') this.#wantSpace(this.#bytes(step.size))
    else {
      const due = this.#wanted !== undefined && this.#head >= this.#wanted
      check(this.#reader.spaceWanted() === due, `spaceWanted is not ${due}`)
      if (due) this.#wanted = undefined
    }
  }

  #wantSpace(bytes: number): void {
    this.#wanted = this.#tail + bytes * 2 - this.#capacity
    const none = this.#writer.wantSpace(bytes)
    check(none === this.#room() < bytes * 2, `wantSpace(${bytes}) said ${none} with ${this.#room()} bytes free`)
  }

  #bytes(size: number): number {
    return SHORTEST + 8 * Math.round((size * (this.#writer.maxFrame - SHORTEST)) / 8)
  }

  #room(): number {
    return this.#capacity - (this.#tail - this.#head)
  }

  #write(bytes: number, less: number, drop: boolean): void {
    const at = this.#tail % this.#capacity
    const rest = this.#capacity - at
    const padding = bytes <= rest ? 0 : rest
    const fits = this.#room() >= bytes + padding
    const wanted = fits ? (padding > 0 ? 0 : at) : -1
    const offset = this.#writer.claim(bytes)
    check(
      offset === wanted,
      `claim(${bytes}) gave ${offset}, not ${wanted}, at ${this.#tail} with ${this.#room()} bytes free`,
    )
    if (!fits) return
    if (padding > 0) this.#put(undefined, padding)
    if (drop) return // its writer gave up between claim and commit
    const committed = SHORTEST + 8 * Math.floor(((bytes - SHORTEST) / 8) * (1 - less))
    fillFrame(this.#writer.words, offset, this.#sequence, committed)
    this.#writer.commit(committed)
    this.#put(this.#sequence++, committed)
    this.#marks.push({ position: this.#writer.position, end: this.#tail })
  }

  #put(sequence: number | undefined, bytes: number): void {
    this.#items.push({ sequence, start: this.#tail, end: this.#tail + bytes })
    this.#tail += bytes
  }

  #show(): void {
    const fresh = this.#writer.show()
    check(fresh === (this.#tail !== this.#shown), `show said ${fresh}`)
    this.#shown = this.#tail
  }

  #drain(limit: number, throwAt: number): void {
    if (this.#head === this.#seen) this.#seen = this.#shown
    const due: Item[] = []
    let passed = 0
    let head = this.#head
    while (
      due.length < limit &&
      head !== this.#seen &&
      (due.length === 0 || head - this.#head < this.#capacity / 4) &&
      due.length <= throwAt + (throwAt < 0 ? limit + 1 : 0)
    ) {
      const item = this.#items[passed++] as Item
      head = item.end
      if (item.sequence !== undefined) due.push(item)
    }
    const throws = throwAt >= 0 && due.length > throwAt
    let taken = 0
    let released = 0
    const take = (offset: number): void => {
      const item = due[taken]
      if (item === undefined) throw new Error(`a frame came from ${offset} that was not shown, or past the limit`)
      check(offset === item.start % this.#capacity, `frame ${item.sequence} came from ${offset}`)
      checkFrame(this.#reader.words, offset, item.sequence as number)
      if (taken++ === throwAt) throw new Stop()
    }
    const release = (): void => {
      released++
      check(taken === due.length, 'the room was given back before the frames were taken')
      check(this.#gauge.head === (this.#head | 0), 'the head moved before the release')
    }
    try {
      const result = this.#reader.drain(limit, take, release)
      check(!throws && result === due.length, `drain said ${result}, ${due.length} were due`)
    } catch (error) {
      if (!(error instanceof Stop)) throw error
      check(throws, 'take() threw too often')
    }
    check(released === (passed === 0 ? 0 : 1), `released ${released} times`)
    this.#items.splice(0, passed)
    this.#head = head
  }

  #compare(): void {
    check(this.#gauge.head === (this.#head | 0), `the head is ${this.#gauge.head}, not ${this.#head | 0}`)
    check(this.#gauge.tail === (this.#shown | 0), `the tail is ${this.#gauge.tail}, not ${this.#shown | 0}`)
    check(
      (this.#writer.position | 0) === (this.#tail | 0),
      `the position is ${this.#writer.position}, not ${this.#tail}`,
    )
    check(this.#reader.empty === (this.#head === this.#shown), 'empty is wrong')
    if (this.#head === this.#seen) this.#seen = this.#shown
    for (const { position, end } of this.#marks.slice(-40)) {
      check(
        this.#writer.consumed(position) === this.#head >= end,
        `consumed is wrong for ${end} with the head at ${this.#head}`,
      )
    }
  }
}
