// What is to be seen where today's code is known to be wrong, and of the moments that are no pair. How to read it: stage-play.ts.
import type { MomentName } from './stage-cases.js'

export type Fault =
  | 'loop/07'
  | 'loop/08'
  | 'loop/11'
  | 'loop/21'
  | 'loop/44'
  | 'loop/48'
  | 'upstream/01'
  | 'upstream/09'
/** Add a fault when it is mended: from then on only what is right is accepted. Names as in the list of known faults. */
export const MENDED: ReadonlySet<Fault> = new Set<Fault>([])

/** A row of which today's code is known to be wrong. */
export interface Deviation {
  readonly fault: Fault
  readonly today: readonly string[]
  readonly right: readonly string[]
}
export type Row = string | Deviation

export const today = (fault: Fault, today: string, ...right: readonly string[]): Deviation => ({
  fault,
  today: [today],
  right,
})
/** Today onStop cannot sleep when the runtime stops. */
export const hurried = (right: string): Deviation => today('loop/08', right.replace('stop gone', 'hurried gone'), right)
/** An onStop that does not end is given up: whether idle() waits for it, and when the first who stopped it is told, is open. */
export const givenUp = [
  'it=TIMEOUT {0} → ends=ok gone → next=0 start made {1}',
  'it=TIMEOUT {0 busy} → ends=ok gone {0} → next=0 start made {1}',
  'ends=TIMEOUT it=TIMEOUT {0} → gone → next=0 start made {1}',
  'ends=TIMEOUT it=TIMEOUT {0 busy} → gone {0} → next=0 start made {1}',
]

/** What may be seen of a row. */
export function allowed(row: Row): readonly string[] {
  if (typeof row === 'string') return [row]
  return MENDED.has(row.fault) ? row.right : [...row.right, ...row.today]
}

export const ofMoments: Readonly<Record<MomentName, Row>> = {
  stopBehindCheck: today(
    'loop/11',
    'it=1 ends=ok stop gone start made add {1} →  → next=1',
    'it=2 ends=ok add stop gone {0} →  → next=0 start made {1}',
  ),
  laterByItself: today(
    'loop/48',
    'it=ok start made later {1} →  → next=1',
    'it=ok start made later later later {1} →  → next=3',
  ),
  manyForDoomed: today(
    'upstream/01', // seldom: if it happens depends on when the loop takes a breath
    '{0 busy} →  → next=0 start made {1}',
    'it=200 {0} →  → next=0 start made {1}',
  ),
  requestBehindHungStop: today(
    'upstream/09',
    'it=TIMEOUT {1+1 busy} → ends=ok then=1 gone start made add {1} → next=1',
    'it=TIMEOUT then=1 start made add {1} → ends=ok gone → next=1',
    'it=TIMEOUT then=1 start made add {1 busy} → ends=ok gone {1} → next=1',
    'ends=TIMEOUT it=TIMEOUT then=1 start made add {1} → gone → next=1',
    'ends=TIMEOUT it=TIMEOUT then=1 start made add {1 busy} → gone {1} → next=1',
  ),
  // a start that was given up goes on, unless its thread ends; then it is open whether onStop runs
  runtimeStopsBeforeMade: {
    fault: 'loop/08',
    today: ['first=STOPPED it=ok → made hurried gone → next=STOPPED'],
    right: [
      'first=STOPPED it=ok →  → next=STOPPED',
      'first=STOPPED it=ok → made → next=STOPPED',
      'first=STOPPED it=ok → made stop gone → next=STOPPED',
    ],
  },
  runtimeStopsBeforeGot: {
    fault: 'loop/44',
    today: ['it=ok → first=ok made hurried gone → next=STOPPED', 'first=THREAD_LOST it=ok →  → next=STOPPED'],
    right: [
      'first=STOPPED it=ok →  → next=STOPPED',
      'first=STOPPED it=ok → made → next=STOPPED',
      'first=STOPPED it=ok → made stop gone → next=STOPPED',
    ],
  },
}
