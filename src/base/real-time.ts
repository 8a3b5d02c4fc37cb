// Node's timers and clocks, as they were when the package was loaded. Test runners put others in their place for the code under
// test, in `globalThis` and in `node:timers`; a runtime that went by those would stand still, and close() never end. So nothing
// in src takes them from anywhere else (biome.json), and the public surface loads this before anybody can have replaced them.
import { performance } from 'node:perf_hooks'
import * as timers from 'node:timers'

export const { setTimeout, clearTimeout, setInterval, clearInterval, setImmediate } = timers
export const { nextTick, hrtime } = process
export const { queueMicrotask } = globalThis
/** Milliseconds with their fractions; only differences on the same thread mean anything. */
export const steadyNow: () => number = performance.now.bind(performance)
/** Milliseconds since 1970, on all threads alike. */
export const wallNow: () => number = Date.now
