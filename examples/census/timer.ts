// A timer of 10 ms on the host loop, and how late each of its ticks was: what a service in the same process would feel.
import { performance } from 'node:perf_hooks'

const EVERY = 10

export interface TimerDelay {
  readonly ticks: number
  readonly worst: number
  readonly p99: number
}

/** Starts the timer; the function that it returns stops it and says how late the ticks were, in ms. */
export function watchTimer(): () => TimerDelay {
  const late: number[] = []
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
    late.sort((a, b) => a - b)
    const at = Math.ceil(late.length * 0.99) - 1
    return { ticks: late.length, worst: late.at(-1) ?? 0, p99: late[at] ?? 0 }
  }
}
