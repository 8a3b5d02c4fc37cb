// Tests run as compiled, against the compiled package, like everything else that uses it. One file at a time: they
// start threads of their own, and a machine with few cores would otherwise measure its own crowding.
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['build/test/**/*.test.js'],
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 20_000,
    hookTimeout: 20_000,
  },
})
