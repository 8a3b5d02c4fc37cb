// Promised of a thread that runs out of its heap: on Node 20 and 22 whoever waits is told, and it is replaced. From 24 on Node
// itself cannot promise as much (a bare Worker does the same): the process is warned at the start, and then it may end, or the
// thread may hang, which is told of. So each of these has a process of its own. `HEAP=1` prints what each of them came to.
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const node = Number.parseInt(process.versions.node, 10)
const caught = node < 24
const file = fileURLToPath(new URL('./heap-child.js', import.meta.url))

interface End {
  /** What it saw, unless it came to nothing. */
  readonly seen: { readonly hangs?: string } & Record<string, unknown>
  readonly how: 'told' | 'hangs' | 'process ends'
  readonly stderr: string
}

function run(...args: string[]): Promise<End> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [file, ...args], (error, stdout, stderr) => {
      const seen = JSON.parse(stdout.trim().split('\n').at(-1) || '{}') as End['seen']
      const aborted = /FATAL ERROR: .*heap out of memory/.test(stderr)
      if (process.env.HEAP)
        process.stdout.write(`${process.version} ${args.join(' ')}: ${aborted ? 'the process ends' : stdout}\n`)
      if (seen.hangs !== undefined) resolve({ seen, stderr, how: 'hangs' })
      else if (error === null) resolve({ seen, stderr, how: 'told' })
      else if (aborted) resolve({ seen, stderr, how: 'process ends' })
      else reject(error)
    })
  })
}

/** Looks at what all Nodes have in common. @returns whether it was caught */
async function ends(...args: string[]): Promise<End['seen'] | undefined> {
  const { seen, how, stderr } = await run(...args)
  const warned = stderr.match(/\[RINGREEVE_HEAP\] RingreeveWarning: Node v\d\d\.\S+ cannot always catch it/g) ?? []
  expect(warned.length).toBe(caught ? 0 : 1)
  if (caught) expect(how).toBe('told')
  if (how === 'hangs') expect(seen.hangs).toContain('filler/x')
  return how === 'told' ? seen : undefined
}

for (const how of ['objects', 'numbers', 'map', 'arrays']) {
  it(`one turn takes all there is (${how})`, async () => {
    const seen = await ends('turn', how)
    if (seen === undefined) return
    const { message, ...rest } = seen
    expect(message).toMatch(/ERR_WORKER_OUT_OF_MEMORY\).*\(the handler of 'fill' at filler\/x may have run\)/)
    expect(rest).toEqual({
      name: 'ThreadLostError',
      code: 'ERR_RINGREEVE_THREAD_LOST',
      agent: 'filler/x',
      messageType: 'fill',
      maybeExecuted: true,
      retryable: false,
      after: 'noted',
    })
  })
}

it('what leaks within its state is not recycled, and ends in an error', async () => {
  const seen = await ends('state')
  if (seen === undefined) return
  expect(seen).toMatchObject({ name: 'ThreadLostError', after: 1, recycled: 0 })
  expect(seen.recycles).toEqual([expect.stringContaining('the state of its agents is what fills it')])
  expect(seen.crashes).toEqual([expect.stringContaining('OUT_OF_MEMORY')])
})

it('with recycling off, what leaks outside its state ends in an error too', async () => {
  const seen = await ends('off')
  if (seen !== undefined) expect(seen).toEqual({ name: 'ThreadLostError', recycled: 0, recycles: [] })
})
