// CPU-bound work of a known size: integer arithmetic in which every step needs the one before, so that no part of it
// can be left out, done in parallel by the core, or slowed down by memory.

/** Computes for `iterations` steps. The result depends on all of them. */
export function spin(iterations: number): number {
  let x = iterations | 1
  for (let i = 0; i < iterations; i++) {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
  }
  return x
}

/** How many steps this machine does in a microsecond: the best of several tries, since noise only ever slows down. */
export function stepsPerMicro(): number {
  const steps = 2_000_000
  let best = 0
  for (let attempt = 0; attempt < 25; attempt++) {
    const began = performance.now()
    spin(steps + attempt)
    best = Math.max(best, steps / ((performance.now() - began) * 1000))
  }
  return best
}
