// Promised: a call that was given up does not begin, also if the loop that it was sent to hears of that before it takes the call (the
// lanes are apart), and although the flag of its first caller speaks of another call by then.
import { expect, it } from 'vitest'
import { agent } from '#ringreeve/agent/definition.js'
import { event, request } from '#ringreeve/agent/message.js'
import { joinLoops } from './loops.js'

const Ask = request<number, void>('ask')
const Tell = event<number>('tell')
const Outer = request<{ n: number; by: 'send' | 'publish' }, void>('outer')

const some = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await new Promise(resolve => setImmediate(resolve))
}

it.each(['send', 'publish'] as const)('by %s', async by => {
  const begun: number[] = []
  const note = (n: number): void => void begun.push(n)
  const outer = agent('outer', { concurrency: 'interleaved' }).on(Outer, ({ n, by }, ctx) =>
    by === 'send' ? ctx.send(Ask, n, 'inner/x') : ctx.publish(Tell, n, { topic: 'told/x', until: 'handled' }),
  )
  const inner = agent('inner').on(Ask, note).on(Tell, note)
  using joined = joinLoops([[], [outer], [inner]], { told: 'inner' })
  const [host, , late] = joined.loops as [(typeof joined.loops)[0], unknown, (typeof joined.loops)[0]]
  const { chunk } = late.work
  let held = true
  Object.defineProperty(late.work, 'chunk', { value: (most: number) => (held ? 0 : chunk(most)) })
  for (const n of [1, 2]) {
    const controller = new AbortController()
    const sent = host.outgoing.send(undefined, Outer, { n, by }, 'outer/x', { signal: controller.signal })
    const failed = sent.catch((error: Error) => error.name)
    await some()
    controller.abort() // the second has the slot, and so the flag, of the first
    expect(await failed).toBe('CancelledError')
    await some()
  }
  held = false
  late.scheduler.rung()
  await some()
  expect(begun).toEqual([])
  const well = host.outgoing.send(undefined, Outer, { n: 3, by }, 'outer/x', undefined)
  await well
  expect(begun).toEqual([3])
})

it('what a flag alone has refused is no unhandled rejection of who sent it, who hears of it later', async () => {
  const Busy = request<void, void>('busy')
  let open = (): void => {}
  const gate = new Promise<void>(resolve => {
    open = resolve
  })
  const outer = agent('outer').on(Outer, async ({ n }, ctx) => {
    const late = ctx.send(Ask, n, 'inner/x')
    await ctx.sleep(60_000)
    await late
  })
  const inner = agent('inner')
    .on(Busy, () => gate)
    .on(Ask, () => {})
  using joined = joinLoops([[], [outer, inner]])
  const [host] = joined.loops as [(typeof joined.loops)[0]]
  const rejections: unknown[] = []
  const note = (reason: unknown) => rejections.push(reason)
  process.on('unhandledRejection', note)
  const busy = host.outgoing.send(undefined, Busy, undefined, 'inner/x', undefined)
  const controller = new AbortController()
  const sent = host.outgoing.send(undefined, Outer, { n: 1, by: 'send' }, 'outer/x', { signal: controller.signal })
  const failed = sent.catch((error: Error) => error.name)
  await some()
  const { show } = host.work
  let held = true
  Object.defineProperty(host.work, 'show', { value: () => (held ? undefined : show()) })
  controller.abort()
  open()
  await some()
  held = false
  host.work.show()
  expect(await failed).toBe('CancelledError')
  await busy
  await some()
  process.off('unhandledRejection', note)
  expect(rejections).toEqual([])
})
