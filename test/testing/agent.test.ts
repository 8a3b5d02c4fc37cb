// The testing kit: one agent alone.
import { agent, event, request } from 'ringreeve'
import { testAgent } from 'ringreeve/testing'
import { expect, it } from 'vitest'
import { failure } from '../conformance/engines.js'

const Add = request<number, number>('add')
const Rate = request<string, number>('rate')
const Convert = request<string, number>('convert')
const Total = event<number>('total')
const Reset = event<{ to: number }>('reset')

const counter = agent('counter', { state: () => ({ n: 0 }), subscriptions: ['resets'] })
  .on(Add, (by, ctx) => {
    ctx.state.n += by
    return ctx.state.n
  })
  .on(Convert, async (currency, ctx) => ctx.state.n * (await ctx.send(Rate, currency, 'rates/today', { timeout: 500 })))
  .on(Reset, ({ to }, ctx) => {
    if (to < 0) throw new RangeError(`cannot reset to ${to}`)
    ctx.state.n = to
  })
  .every(1_000, ctx => ctx.publish(Total, ctx.state.n), { immediate: false })
  .every(10_000, ctx => {
    if (ctx.state.n === 13) throw new Error('unlucky')
  })

it('answers, and is seen to publish by a clock that stands still until it is moved', async () => {
  await using one = await testAgent(counter, { state: { n: 40 } })
  expect(await one.send(Add, 2)).toBe(42)
  expect(one.published).toEqual([])
  await one.advance(1_000)
  expect(one.published).toEqual([{ message: 'total', payload: 42, topic: 'default/default' }])
  await one.advance(10_000)
  expect(one.published).toHaveLength(11)
  await one.stop()
  await one.advance(10_000)
  expect(one.published).toHaveLength(11)
  expect(one.clock.pending).toBe(0)
  expect(await one.state()).toBeUndefined()
})

it('talks to stand-ins, and its own time limits hold', async () => {
  const rates = agent('rates').on(Rate, async (currency, ctx) => {
    if (currency === 'slow') await ctx.sleep(60_000)
    return 3
  })
  await using one = await testAgent(counter, { key: 'a', state: { n: 2 }, others: [rates] })
  expect(await one.send(Convert, 'EUR')).toBe(6)
  expect(one.sent).toEqual([{ message: 'rate', payload: 'EUR', recipient: 'rates/today' }])
  const late = one.trySend(Convert, 'slow')
  await one.advance(499)
  expect(one.sent).toHaveLength(2)
  await one.advance(1)
  expect(((await late).error as { code: string }).code).toBe('ERR_RINGREEVE_TIMEOUT')
})

it('hears the topics it is subscribed to, and tells what its handlers throw', async () => {
  await using one = await testAgent(counter, { key: 'a' })
  await one.publish(Reset, { to: 13 }, 'resets')
  expect(await one.state()).toEqual({ n: 13 })
  await one.publish(Reset, { to: 5 }, 'others')
  expect(await one.state()).toEqual({ n: 13 })
  expect(await failure(one.publish(Reset, { to: -1 }, 'resets'))).toBeInstanceOf(RangeError)
  expect(one.log.filter(entry => entry.event === 'error').map(entry => entry.reason)).toEqual([
    'RangeError: cannot reset to -1',
  ])
  await one.advance(10_000)
  expect(one.log.filter(entry => entry.event === 'error').map(entry => entry.reason)).toContain('Error: unlucky')
})

it('fails as the runtime does', async () => {
  const broken = agent('broken').onStart(() => {
    throw new Error('not today')
  })
  expect((await failure(testAgent(broken))).message).toContain('not today')
  await using one = await testAgent(counter)
  expect((await failure(one.send(Convert, 'EUR'))).code).toBe('ERR_RINGREEVE_UNKNOWN_AGENT')
})
