// What the agents of the census say to each other. Every payload is plain data and small, except a file's bytes on
// their way to a parser; `run` is the correlation id of one census and travels with everything that belongs to it.
import { event, request } from 'ringreeve'
import type { FileResult } from './measure.js'
import type { CensusReport, Subject } from './report.js'
import type { FileEntry, Plan, Refusal } from './tree.js'

/** main -> reader: feed these files to the parsers. Answers when each of them has been dealt with. */
export const Take = request<{ readonly run: string; readonly plan: Plan }, void>('census.take')

export interface ParseJob {
  readonly run: string
  readonly file: FileEntry
  readonly bytes: Uint8Array
}

/** What the reader needs for its progress; everything else goes from the parser to where it is gathered. */
export interface ParseBrief {
  readonly parsed: boolean
  readonly functions: number
}

/** reader -> parser/<lane>: one file. */
export const Parse = request<ParseJob, ParseBrief>('census.parse')

export type Outcome = { readonly run: string } & (FileResult | { readonly refused: Refusal })

/** parser or reader -> topic census/<run>, heard by aggregator/<run>: one file is done, or why it is not. */
export const Counted = event<Outcome>('census.counted')

/** parser -> topic band/<b>, heard by bands/<b>: the b-th band of each function of a file, beside its exact hash. */
export const Banded = event<{ readonly run: string; readonly keys: number[]; readonly exact: number[] }>(
  'census.banded',
)

export interface BandGroups {
  /** How many functions this band has seen, so that the aggregator can tell that none was lost. */
  readonly seen: number
  /** Sets of functions, by exact hash, that agree in this band; each has at least two. */
  readonly groups: number[][]
}

/** aggregator -> bands/<b>: which functions agree in this band? */
export const Agreeing = request<{ readonly run: string }, BandGroups>('census.agreeing')

/** main -> aggregator/<run>: everything has been counted; what does it come to? */
export const Close = request<{ readonly run: string; readonly subject: Subject }, CensusReport>('census.close')

export interface ProgressState {
  readonly run: string
  readonly files: number
  readonly ofFiles: number
  readonly bytes: number
  readonly ofBytes: number
  readonly refused: number
  readonly functions: number
}

/** reader -> topic progress/<run>, heard by the reporter. */
export const Progress = event<ProgressState>('census.progress')
