// What the compiler promises: it checks this file when it is compiled; running it only shows that the values exist.
import { agent, event, type Handle, type Runtime, request } from 'ringreeve'
import { expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'

const Digest = request('digest', {
  input: z.object({ text: z.string(), rounds: z.number().default(1) }),
  output: z.string(),
})
const Add = request<{ a: number; b: number }, number>('add')
const Ping = request('ping')
const Hashed = event<{ total: number }>('hashed')
const Named = event('named', { payload: z.object({ name: z.string() }) })

const hasher = agent('hasher', { state: () => ({ total: 0 }) })
  .on(Digest, async ({ text, rounds }, ctx) => {
    expectTypeOf(text).toEqualTypeOf<string>()
    expectTypeOf(rounds).toEqualTypeOf<number>()
    expectTypeOf(ctx.state).toEqualTypeOf<{ total: number }>()
    expectTypeOf(ctx.signal).toEqualTypeOf<AbortSignal>()
    return `${text}${rounds}`
  })
  .on(Hashed, ({ total }) => {
    expectTypeOf(total).toEqualTypeOf<number>()
  })

function _compiles(runtime: Runtime, alice: Handle<typeof Digest>): void {
  expectTypeOf(runtime.send(Digest, { text: 'x' }, 'hasher/a')).toEqualTypeOf<Promise<string>>()
  expectTypeOf(runtime.send(Add, { a: 1, b: 2 }, 'adder/a')).toEqualTypeOf<Promise<number>>()
  expectTypeOf(runtime.send(Ping, undefined, 'x/y')).toEqualTypeOf<Promise<void>>()
  expectTypeOf(runtime.publish(Hashed, { total: 1 })).toEqualTypeOf<Promise<void>>()
  expectTypeOf(alice.send(Digest, { text: 'x', rounds: 2 }, { signal: AbortSignal.timeout(1) })).toEqualTypeOf<
    Promise<string>
  >()
  const handle = runtime.handle(hasher, 'alice')
  expectTypeOf(handle.send(Digest, { text: 'x' })).toEqualTypeOf<Promise<string>>()

  // @ts-expect-error a payload of the wrong type
  void runtime.send(Add, { a: '1', b: 2 }, 'adder/a')
  // @ts-expect-error a payload with a field missing
  void runtime.send(Digest, { rounds: 1 }, 'hasher/a')
  // @ts-expect-error no payload
  void runtime.send(Add, undefined, 'adder/a')
  // @ts-expect-error an event is not sent
  void runtime.send(Hashed, { total: 1 }, 'hasher/a')
  // @ts-expect-error a request is not published
  void runtime.publish(Add, { a: 1, b: 2 })
  // @ts-expect-error an event payload of the wrong type
  void runtime.publish(Named, { name: 1 })
  // @ts-expect-error the hasher handles no Add
  void handle.send(Add, { a: 1, b: 2 })
  // @ts-expect-error the hasher handles Hashed, but an event is not sent
  void handle.send(Hashed, { total: 1 })
  // @ts-expect-error a handler that returns something else than the answer
  agent('wrong').on(Add, () => 'text')
  // @ts-expect-error no such overflow policy
  agent('wrong', { mailbox: { overflow: 'explode' } })
  agent('wrong', { state: () => ({ n: 1 }) }).on(Ping, (_, ctx) => {
    // @ts-expect-error a field that the state does not have
    ctx.state.m = 1
  })
}

it('message types and agents are values with names', () => {
  expect([Digest.name, Add.kind, Hashed.kind, Named.name, hasher.type]).toEqual([
    'digest',
    'request',
    'event',
    'named',
    'hasher',
  ])
  expect(_compiles).toBeTypeOf('function')
})
