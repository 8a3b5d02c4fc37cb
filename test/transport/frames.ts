// Frames for tests of the bare ring: a sequence number, contents that follow from it, and a checksum over both, so
// that a torn, stale, lost or repeated frame cannot pass for a good one.
//
//   word 0  length in bytes    word 1  kind    word 2  sequence    word 3  checksum    then the contents
import type { RingWriter } from '#ringreeve/transport/ring.js'

/** Bytes of the shortest frame. */
export const SHORTEST = 16
const KIND = 2

/** A small generator of random words (mulberry32): the same seed gives the same run. */
export function random(seed: number): (below: number) => number {
  let state = seed | 0
  return below => {
    state = (state + 0x6d2b79f5) | 0
    let word = Math.imul(state ^ (state >>> 15), 1 | state)
    word = (word + Math.imul(word ^ (word >>> 7), 61 | word)) ^ word
    return ((word ^ (word >>> 14)) >>> 0) % below
  }
}

const step = (value: number): number => (Math.imul(value, 1664525) + 1013904223) | 0
const mix = (sum: number, value: number): number => (Math.imul(sum, 31) + value) | 0

/** Fills a claimed place; does not commit. */
export function fillFrame(words: Int32Array, offset: number, sequence: number, bytes: number): void {
  const at = offset >> 2
  const end = at + (bytes >> 2)
  words[at] = bytes
  words[at + 1] = KIND | ((sequence & 0xffffff) << 8)
  words[at + 2] = sequence
  let value = sequence ^ 0x5bd1e995
  let sum = mix(bytes, sequence)
  for (let i = at + 4; i < end; i++) {
    value = step(value)
    words[i] = value
    sum = mix(sum, value)
  }
  words[at + 3] = sum
}

/** Writes a frame of `bytes` (a multiple of 8). @returns false when the ring is full */
export function writeFrame(ring: RingWriter, sequence: number, bytes: number): boolean {
  const offset = ring.claim(bytes)
  if (offset < 0) return false
  fillFrame(ring.words, offset, sequence, bytes)
  ring.commit(bytes)
  return true
}

/** Checks the frame at `offset`. @returns its sequence number. @throws Error when it is not whole */
export function readFrame(words: Int32Array, offset: number): number {
  const at = offset >> 2
  const bytes = words[at] as number
  const sequence = words[at + 2] as number
  if (bytes < SHORTEST || bytes % 8 !== 0) throw new Error(`frame ${sequence} says it has ${bytes} bytes`)
  if (words[at + 1] !== (KIND | ((sequence & 0xffffff) << 8))) throw new Error(`frame ${sequence} has a wrong kind`)
  const end = at + (bytes >> 2)
  let value = sequence ^ 0x5bd1e995
  let sum = mix(bytes, sequence)
  for (let i = at + 4; i < end; i++) {
    value = step(value)
    if (words[i] !== value) throw new Error(`frame ${sequence} is torn at word ${i - at} of ${bytes >> 2}`)
    sum = mix(sum, value)
  }
  if (words[at + 3] !== sum) throw new Error(`frame ${sequence} has a wrong checksum`)
  return sequence
}

/** Checks the frame at `offset`, which must be number `expected`. @throws Error when it is not whole or not that one */
export function checkFrame(words: Int32Array, offset: number, expected: number): void {
  const sequence = readFrame(words, offset)
  if (sequence !== expected) throw new Error(`frame ${sequence} came where ${expected} was due`)
}

/** A size for a frame: mostly small, sometimes up to the longest. */
export function frameSize(next: (below: number) => number, longest: number): number {
  const most = next(16) === 0 ? longest : Math.min(longest, 128)
  return SHORTEST + 8 * next(((most - SHORTEST) >> 3) + 1)
}
