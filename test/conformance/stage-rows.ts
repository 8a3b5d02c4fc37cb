// What may be seen of a row, and of the moments that are no pair. How to read it: stage-play.ts.
import type { MomentName } from './stage-cases.js'

/** One of these may be seen. */
export type Row = string | readonly string[]

export const oneOf = (...rows: readonly string[]): Row => rows
/** An onStop that sleeps when the runtime drops what is there is refused that, or not: both ways it has run once. */
export const hurried = (right: string): Row => [right, right.replace('stop gone', 'hurried gone')]
/** An onStop that does not end is given up: whether idle() waits for it, and when the first who stopped it is told, is open. */
export const givenUp = [
  'it=TIMEOUT {0} → ends=ok gone → next=0 start made {1}',
  'it=TIMEOUT {0 busy} → ends=ok gone {0} → next=0 start made {1}',
  'ends=TIMEOUT it=TIMEOUT {0} → gone → next=0 start made {1}',
  'ends=TIMEOUT it=TIMEOUT {0 busy} → gone {0} → next=0 start made {1}',
]

/** What may be seen of a row. */
export function allowed(row: Row): readonly string[] {
  return typeof row === 'string' ? [row] : row
}

export const ofMoments: Readonly<Record<MomentName, Row>> = {
  stopBehindCheck: oneOf('it=2 ends=ok add stop gone {0} →  → next=0 start made {1}'),
  laterByItself: oneOf('it=ok start made later later later {1} →  → next=3'),
  manyForDoomed: oneOf('it=200 {0} →  → next=0 start made {1}'),
  requestBehindHungStop: oneOf(
    'it=TIMEOUT then=1 start made add {1} → ends=ok gone → next=1',
    'it=TIMEOUT then=1 start made add {1 busy} → ends=ok gone {1} → next=1',
    'ends=TIMEOUT it=TIMEOUT then=1 start made add {1} → gone → next=1',
    'ends=TIMEOUT it=TIMEOUT then=1 start made add {1 busy} → gone {1} → next=1',
  ),
  // a start that was given up goes on, unless its thread ends; then it is open whether onStop runs
  runtimeStopsBeforeMade: oneOf(
    'first=STOPPED it=ok → made hurried gone → next=STOPPED',
    'first=STOPPED it=ok →  → next=STOPPED',
    'first=STOPPED it=ok → made → next=STOPPED',
    'first=STOPPED it=ok → made stop gone → next=STOPPED',
  ),
  runtimeStopsBeforeGot: oneOf(
    'first=STOPPED it=ok →  → next=STOPPED',
    'first=STOPPED it=ok → made → next=STOPPED',
    'first=STOPPED it=ok → made stop gone → next=STOPPED',
    'first=STOPPED it=ok → made hurried gone → next=STOPPED',
    'first=THREAD_LOST it=ok →  → next=STOPPED',
  ),
}
