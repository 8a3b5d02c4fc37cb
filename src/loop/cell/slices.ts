// Many agents that are to do something, all of them soon. What it keeps: the event loop has its turn in between, however many they are
// and however long each computes; one that hangs keeps none from beginning; and none begins once the time is over.
import { type EventLoop, within } from '../base/event-loop.js'

/** So many begin before the event loop has its turn; */
const MOST = 1_024
/** or as many as take so long to begin; */
const SLICE_MS = 20
/** and the next do when these have ended, or after so long. */
const PATIENCE_MS = 20

/**
 * Begins with all, a first slice of them whatever the time is. `all` is there once those have ended that have begun.
 * @param end by the clock of the event loop
 */
export async function inSlices<T>(
  eventLoop: EventLoop,
  items: readonly T[],
  end: number,
  begin: (item: T) => Promise<void> | undefined,
): Promise<{ readonly all: Promise<unknown> }> {
  const slices: Promise<unknown>[] = []
  for (let next = 0; next < items.length && (next === 0 || eventLoop.now() < end); ) {
    const over = eventLoop.now() + SLICE_MS
    const most = next + MOST
    const slice: (Promise<void> | undefined)[] = []
    do slice.push(begin(items[next++] as T))
    while (next < items.length && next < most && eventLoop.now() < over)
    const ended = Promise.all(slice)
    slices.push(ended)
    if (next === items.length) break
    await within(eventLoop, Math.min(PATIENCE_MS, Math.max(0, end - eventLoop.now())), ended)
    await new Promise<void>(resolve => eventLoop.later(resolve))
  }
  return { all: Promise.all(slices) }
}
