// Tests run as compiled, against the compiled package, like everything else that uses it. Three files at a time, in
// processes that are kept: most of a test is waiting for threads to start and timers to fire, and nothing is measured.
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['build/test/**/*.test.js'],
    pool: 'forks',
    isolate: false,
    maxWorkers: 3,
    // tells of what hangs, never of a machine that is busy
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
})
