// A timer of 10 ms on the host loop, and how late each of its ticks was: what a service in the same process would feel.
import { performance } from 'node:perf_hooks'

const EVERY = 10

export interface TimerDelay {
  readonly ticks: number
  readonly worst: number
  readonly p99: number
}

/** What is put into `late` is how late a tick was, in ms. The function that it returns stops the timer. */
export function watchTimer(late: number[]): () => void {
  let last = performance.now()
  const tick = (): void => {
    const now = performance.now()
    late.push(Math.max(0, now - last - EVERY))
    last = now
  }
  const timer = setInterval(tick, EVERY)
  return () => {
    clearInterval(timer)
    // A loop that is blocked to the end has not let the last tick through: it counts as late too.
    if (performance.now() - last > EVERY) tick()
  }
}

/** @param late how late each tick was, in ms */
export function timerDelay(late: readonly number[]): TimerDelay {
  const sorted = late.toSorted((a, b) => a - b)
  const at = Math.ceil(sorted.length * 0.99) - 1
  return { ticks: sorted.length, worst: sorted.at(-1) ?? 0, p99: sorted[at] ?? 0 }
}
