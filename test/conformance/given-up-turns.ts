// Turns, hooks and loops that begin something, do work of their own, and come to wait for what they began only when it has been
// rejected. The words of a thread say how far they are: a hook or a loop is given none by a message.

import { inspect } from 'node:util'
import { threadId } from 'node:worker_threads'
import { agent, type Context, event, interceptor, request } from 'ringreeve'

export const Carry = request<Int32Array, number>('carry')
export const Go = request<void, void>('go')
export const Wait = request<Int32Array, void>('wait')
export const Ping = request<void, string>('ping')
export const Never = request<void, void>('never')
export const CheckedNever = request<void, void>('checked-never')
export const Unending = event<void>('unending')
export const CheckedUnending = event<void>('checked-unending')

const tick = () => new Promise<void>(resolve => setTimeout(resolve, 1))
const aborted = (signal: AbortSignal) =>
  new Promise<void>(resolve => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })

type Own = Pick<Context, 'id' | 'cancelled' | 'signal' | 'sleep' | 'send' | 'publish'>
const topic = 'unending/x'
const begin: Record<string, (ctx: Own) => Promise<unknown>> = {
  sleep: ctx => ctx.sleep(2 ** 31 - 1),
  send: ctx => ctx.send(Never, undefined, 'unending/x'),
  'send, idempotent': ctx => ctx.send(Never, undefined, 'unending/x', { idempotent: true }),
  'send, timeout': ctx => ctx.send(Never, undefined, 'unending/x', { timeout: 2 ** 31 - 1 }),
  'send, checked': ctx => ctx.send(CheckedNever, undefined, 'unending/x'),
  publish: ctx => ctx.publish(Unending, undefined, { topic, until: 'handled' }),
  'publish, checked': ctx => ctx.publish(CheckedUnending, undefined, { topic, until: 'handled' }),
}
const beginLate: typeof begin = {
  'late send': ctx => ctx.send(Never, undefined, ''),
  'late publish': ctx => ctx.publish(Unending, undefined, { topic: '' }),
  'late sleep': ctx => ctx.sleep(1),
}
/** What is begun while the turn is wanted; and what is begun when it is given up, and refused at once. */
export const kinds = [...Object.keys(begin), ...Object.keys(beginLate)]

let words: Int32Array = new Int32Array(2)
/** Takes the words for its thread. */
export const carrier = agent('carrier').on(Carry, given => {
  words = given
  return threadId
})

async function play(ctx: Own): Promise<void> {
  const [mine, kind] = [words, ctx.id.key]
  void ctx.signal // from now on the turn has a wish of its own, that goes with what it begins
  let one = begin[kind]?.(ctx)
  await tick() // what is checked has left
  Atomics.add(mine, 0, 1)
  const isLate = one === undefined
  if (isLate) {
    while (!ctx.cancelled) await tick()
    await tick()
    one = beginLate[kind]?.(ctx)
  }
  // what is published by a turn that was given up before is not given up with it: that is no case for this
  for (let late = 0; inspect(one).includes('<pending>') && late < 1_000; await tick()) if (ctx.cancelled) late++
  await tick() // by now it would have been an unhandled rejection
  Atomics.add(mine, 1, 1)
  await (isLate ? one?.catch(() => {}) : one)
}

/** A turn that never looks whether it is wanted: it waits for one thing, and says when it does no longer. */
export const blind = agent('blind', { deadline: 20 }).on(Wait, async (word, ctx) => {
  await begin[ctx.id.key]?.(ctx).catch(() => {})
  Atomics.add(word, 0, 1)
})
/** What such a turn waits for. */
export const waits = Object.keys(begin).filter(kind => kind !== 'sleep')

export const worker = agent('worker').on(Go, (_, ctx) => play(ctx))
export const hasty = agent('hasty', { deadline: 20 }).on(Go, (_, ctx) => play(ctx))
export const ticker = agent('ticker').on(Ping, (_, ctx) => {
  ctx.after(0, play)
  return 'pong'
})
export const looper = agent('looper')
  .loop(play)
  .on(Ping, () => 'pong')
export const starter = agent('starter')
  .onStart(play)
  .on(Go, () => {})

export const unending = agent('unending', { concurrency: 'interleaved', subscriptions: ['unending'] })
  .on(Never, (_, ctx) => aborted(ctx.signal))
  .on(CheckedNever, (_, ctx) => aborted(ctx.signal))
  .on(Unending, (_, ctx) => aborted(ctx.signal))
  .on(CheckedUnending, (_, ctx) => aborted(ctx.signal))

const checked = (_: unknown, { message }: { readonly message: string }) =>
  message.startsWith('checked') ? Promise.resolve() : undefined
export const checks = interceptor({ onSend: checked, onPublish: checked })
