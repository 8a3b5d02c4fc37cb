// What the compiler promises: it checks this file when it is compiled; running it only shows that the values exist.
import { agent, event, type Handle, type Runtime, request, type SendResult } from 'ringreeve'
import { expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'

const Digest = request('digest', {
  input: z.object({ text: z.string(), rounds: z.number().default(1) }),
  output: z.string(),
})
const Add = request<{ a: number; b: number }, number>('add')
const Ping = request('ping')
const Either = request<void, { kind: 'number'; n: number } | { kind: 'text'; text: string }>('either')
const Choice = request('choice', {
  output: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('number'), n: z.number() }),
    z.object({ kind: z.literal('text'), text: z.string() }),
  ]),
})
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

  type EitherAnswer = { kind: 'number'; n: number } | { kind: 'text'; text: string }
  expectTypeOf(runtime.send(Either, undefined, 'x/y')).toEqualTypeOf<Promise<EitherAnswer>>()
  expectTypeOf(runtime.send(Choice, undefined, 'x/y')).toEqualTypeOf<Promise<EitherAnswer>>()
  expectTypeOf(runtime.trySend(Add, { a: 1, b: 2 }, 'x/y')).toEqualTypeOf<Promise<SendResult<number>>>()
  void runtime.trySend(Add, { a: 1, b: 2 }, 'x/y').then(sent => {
    if (sent.ok) expectTypeOf(sent.value).toEqualTypeOf<number>()
    else expectTypeOf(sent.error).toEqualTypeOf<unknown>()
  })
  expectTypeOf(alice.trySend(Digest, { text: 'x' })).toEqualTypeOf<Promise<SendResult<string>>>()
  agent('answers').on(Either, () => ({ kind: 'text' as const, text: 'x' }))
  // @ts-expect-error none of the types that the answer may have
  agent('answers').on(Either, () => ({ kind: 'other' as const }))
  agent('alive', { state: () => ({ n: 1 }) })
    .every(1_000, ctx => {
      expectTypeOf(ctx.state).toEqualTypeOf<{ n: number }>()
      ctx.after(1, later => {
        later.state.n++
      })
    })
    .loop(async (ctx, stopSignal) => {
      expectTypeOf(stopSignal).toEqualTypeOf<AbortSignal>()
      expectTypeOf(ctx.state.n).toEqualTypeOf<number>()
      // @ts-expect-error a background loop handles no message
      ctx.sender
    })
  // @ts-expect-error no such setting
  agent('alive').every(1_000, () => {}, { onError: 'explode' })

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
