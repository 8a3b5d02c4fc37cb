// Promised: an agent module that is TypeScript loads as it is, also one that imports './x.js' for './x.ts', where Node can, or
// tsx is there; and whoever gives the URL of what is not there is told of its source, or of what it was compiled to.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { createRuntime, request } from 'ringreeve'
import { expect, it } from 'vitest'
import { failure } from './engines.js'

const Len = request<string, number>('len')
const agents = (from: string): string => `import { agent } from 'ringreeve'
import { Len } from '${from}'
const say: (text: string) => number = text => text.length
export const len = agent('len').on(Len, say)`
const messages = "import { request } from 'ringreeve'\nexport const Len = request<string, number>('len')"

/** A project of its own, with files, and packages of ours. */
function project(packages: readonly string[], files: Readonly<Record<string, string>>) {
  const folder = mkdtempSync(join(tmpdir(), 'ringreeve-'))
  mkdirSync(join(folder, 'node_modules'))
  for (const name of packages) {
    symlinkSync(name === 'ringreeve' ? resolve() : resolve('node_modules', name), join(folder, 'node_modules', name))
  }
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  return {
    open: (name: string) => createRuntime({ threads: 1, agents: [pathToFileURL(join(folder, name))] }),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  }
}

for (const from of ['./messages.js', './messages.ts']) {
  it(`a module that imports '${from}' loads where tsx is there`, async () => {
    using files = project(['ringreeve', 'tsx'], { 'agents.ts': agents(from), 'messages.ts': messages })
    await using runtime = await files.open('agents.ts')
    expect(await runtime.send(Len, 'three', 'len/x')).toBe(5)
  })
}

it('a module with more TypeScript than types loads where tsx is there', async () => {
  const source = `${agents('./messages.js')}\nexport enum Colour { Red }`
  using files = project(['ringreeve', 'tsx'], { 'agents.ts': source, 'messages.ts': messages })
  await using runtime = await files.open('agents.ts')
  expect(await runtime.send(Len, 'three', 'len/x')).toBe(5)
})

it('without tsx it says what to write, or what to install', async () => {
  using files = project(['ringreeve'], { 'agents.ts': agents('./messages.js'), 'messages.ts': messages })
  const { message } = await failure(files.open('agents.ts'))
  expect(message).toMatch(
    /messages\.ts is there: import '\.\/messages\.ts', install tsx|does not load TypeScript: install tsx/,
  )
})

it.each([
  ['agents.ts', 'agents.js', /agents\.js is there: give the URL of what was compiled, new URL\('\.\/agents\.js'/],
  ['agents.mts', 'agents.mjs', /agents\.mjs is there: give the URL of what was compiled/],
  ['agents.js', 'agents.ts', /agents\.ts is there: compile it, or give the URL of the source$/],
  ['agents.cjs', 'agents.cts', /agents\.cts is there: compile it/],
])('%s is not there, and %s is', async (wanted, there, says) => {
  using files = project(['ringreeve', 'tsx'], { [there]: '' })
  expect((await failure(files.open(wanted))).message).toMatch(says)
})

it('a compiled module whose import is only there as source says so', async () => {
  using files = project(['ringreeve', 'tsx'], { 'agents.js': "import './messages.js'", 'messages.ts': messages })
  expect((await failure(files.open('agents.js'))).message).toMatch(/messages\.ts is there: import '\.\/messages\.ts'/)
})
