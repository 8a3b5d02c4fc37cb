// What a suite is and what it hands back: tables of numbers that know their unit, and how they are written.
import type { Chart } from './svg.js'

/** How much is measured. */
export interface Settings {
  /** Times every contender is measured; the table shows the median. */
  readonly rounds: number
  /** Milliseconds of one measurement. */
  readonly ms: number
  /** Threads where a suite uses all of them. */
  readonly threads: number
  /** As little as shows that everything works. */
  readonly quick: boolean
  /** Everything; otherwise what fits into five minutes. */
  readonly full: boolean
}

/** A number as it was measured in every round. */
export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
  readonly rounds: readonly number[]
}

/** The unit of a column decides how its numbers are written. */
export type Unit = 'rate' | 'ratio' | 'micros' | 'ms' | 'bytes' | 'share' | 'text'

export interface Column {
  readonly key: string
  readonly head: string
  readonly unit: Unit
}

export type Value = Spread | number | string | undefined

export interface Table {
  readonly title: string
  readonly columns: readonly Column[]
  readonly rows: readonly Readonly<Record<string, Value>>[]
  readonly notes: readonly string[]
  readonly chart?: Chart
}

export interface Suite {
  readonly name: string
  /** What the numbers show, in a sentence or two. */
  readonly shows: string
  /** Whether it measures in processes of their own, which then count as others. */
  readonly elsewhere?: boolean
  run(settings: Settings, say: (progress: string) => void): Promise<Table[]>
}

/** Writes one cell. */
export function cell(value: Value, unit: Unit): string {
  if (value === undefined) return '–'
  if (typeof value === 'string') return value
  if (typeof value === 'number') return one(value, unit)
  const bare = (n: number) => one(n, unit).replace(/ ?(x|µs|ms|%)$/, '')
  return `${one(value.median, unit)} (${bare(value.min)} to ${bare(value.max)})`
}

function one(n: number, unit: Unit): string {
  if (unit === 'text') return String(n)
  if (unit === 'rate')
    return n >= 1e6 ? `${(n / 1e6).toFixed(2)} M` : n >= 1e4 ? `${(n / 1e3).toFixed(0)} k` : n.toFixed(0)
  if (unit === 'ratio') return `${n.toFixed(n < 10 ? 2 : 1)}x`
  if (unit === 'micros') return `${n.toFixed(n < 10 ? 2 : n < 100 ? 1 : 0)} µs`
  if (unit === 'ms') return `${n.toFixed(n < 10 ? 2 : n < 100 ? 1 : 0)} ms`
  if (unit === 'share') return `${(n * 100).toFixed(n < 0.1 ? 2 : 0)} %`
  return bytes(n)
}

function bytes(n: number): string {
  if (n >= 1e9) return `${(n / 1e9).toFixed(2)} GB`
  if (n >= 1e6) return `${(n / 1e6).toFixed(n < 1e7 ? 1 : 0)} MB`
  return n >= 1e4 ? `${(n / 1e3).toFixed(0)} KB` : `${n.toFixed(0)} B`
}
