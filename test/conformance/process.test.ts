// Promised: what threads print comes out, also what they print last; and a process that was started with preloads of any kind
// can have threads.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { onEveryEngine } from './engines.js'

const library = new URL('../../../dist/index.js', import.meta.url).href
const run = promisify(execFile)

function program(threads: number, agents: string): string {
  const url = `data:text/javascript,${encodeURIComponent(`import { agent, request } from '${library}'\n${agents}`)}`
  return `import { createRuntime, request } from '${library}'
    const runtime = await createRuntime({ threads: ${threads}, agents: [${JSON.stringify(url)}] })
    console.log('answer', await runtime.send(request('ask'), 0, 'a/x'))
    await runtime.close()`
}

onEveryEngine('a process', ({ threads }) => {
  it('prints all that onStop prints', async () => {
    const lines = "for (let i = 0; i < 500; i++) console.log('x'.repeat(500)); console.log('the last')"
    const agents = `export const a = agent('a').on(request('ask'), () => 1).onStop(() => { ${lines} })`
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', program(threads, agents)])
    expect(stdout).toMatch(/the last\n$/)
  })

  it('may have loaded node:domain or node:repl before, and agents may', async () => {
    const agents =
      "import repl from 'node:repl'; export const a = agent('a').on(request('ask'), () => typeof repl.start)"
    const preload = ['--import', 'data:text/javascript,import "node:domain"']
    const { stdout } = await run(process.execPath, [...preload, '--input-type=module', '-e', program(threads, agents)])
    expect(stdout).toBe('answer function\n')
  })
})
