// What must not go by unseen where nobody listens. What it keeps: of each kind the first is told, and stands for the others; of each
// code there are only so many kinds, and that there are more is told too. What ends or is given up is always told. Warnings of threads go to the host, which owns the process that is warned.

import { cut } from '../base/cut.js'

/** Kinds of one code that are told of. */
const MOST = 100
/** Codes whose kinds are few, or made by no application: they are always told. */
const always: ReadonlySet<Warning['code']> = new Set(['RINGREEVE_CRASH', 'RINGREEVE_GIVEN_UP', 'RINGREEVE_STOP'])
/** The kind that says that there are more. */
const MORE = 'more'
/** Characters of what is told, which may be what somebody threw, and of its stack. */
const MOST_TEXT = 2_000
const MOST_DETAIL = 10_000

/** A process warning. */
export interface Warning {
  readonly code:
    | 'RINGREEVE_ERROR'
    | 'RINGREEVE_CRASH'
    | 'RINGREEVE_GIVEN_UP'
    | 'RINGREEVE_SLOW'
    | 'RINGREEVE_STOP'
    | 'RINGREEVE_LOST'
  /** What it stands for: told once. */
  readonly kind: string
  readonly text: string
  /** A stack. */
  readonly detail?: string | undefined
}

/** Passes on the first warning of each kind. */
export class Warnings {
  /** By code, its kinds. */
  readonly #told = new Map<Warning['code'], Set<string>>()
  readonly #tell: (warning: Warning) => void

  constructor(tell: (warning: Warning) => void) {
    this.#tell = tell
  }

  warn(warning: Warning): void {
    const { code } = warning
    const told = this.#told.get(code) ?? new Set()
    this.#told.set(code, told)
    const kind = cut(warning.kind, MOST_TEXT)
    if (told.has(kind) || told.has(MORE)) return
    const more = told.size >= MOST && !always.has(code)
    told.add(more ? MORE : kind)
    this.#tell(more ? { code, kind: MORE, text: `more than ${MOST} kinds of ${code}; no others are told of` } : warning)
  }
}

let toldOfHeaps = false

/** Says once, at the start, what no log can tell later: then there may be no process. */
export function warnOfHeaps(): void {
  if (toldOfHeaps) return
  toldOfHeaps = true
  process.emitWarning(
    `Node ${process.version} cannot always catch it when a thread runs out of its heap (resourceLimits): that can end the ` +
      'whole process, or hang the thread for good. Threads are recycled early (recycleAt), which helps with a heap that fills ' +
      'over many turns, not with a turn that takes all there is; then a process of its own helps, or Node 20 or 22',
    { type: 'RingreeveWarning', code: 'RINGREEVE_HEAP' },
  )
}

/** To the process. */
export function emitWarning({ code, text, detail }: Warning): void {
  process.emitWarning(`${cut(text, MOST_TEXT)} (told once; a log in the options of createRuntime tells of all)`, {
    type: 'RingreeveWarning',
    code,
    ...(detail !== undefined && { detail: cut(detail, MOST_DETAIL) }),
  })
}
