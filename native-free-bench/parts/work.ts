// CPU-bound work of a known size: arithmetic in which every step needs the one before, so that no part of it can be
// left out, done in parallel by the core, or slowed down by memory. It comes in short blocks, each a function of its
// own, because one long loop runs as whatever V8 made of it while it was running, which differs from thread to thread
// by a third.

const STEPS = 25

function block(x: number): number {
  for (let i = 1; i <= STEPS; i++) x = (x + i / x) * 0.5
  return x
}

/** Computes so many blocks. The result depends on all of them. */
export function spin(blocks: number): number {
  let x = 1
  for (let i = 0; i < blocks; i++) x = block(x)
  return x
}

/** How many blocks this machine does in a microsecond: the best of many tries, since noise only ever slows down. */
export function blocksPerMicro(): number {
  const blocks = 5_000
  let best = 0
  for (let attempt = 0; attempt < 200; attempt++) {
    const began = performance.now()
    spin(blocks)
    best = Math.max(best, blocks / ((performance.now() - began) * 1000))
  }
  return best
}
