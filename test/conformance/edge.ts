// Agents whose code is odd where it meets the runtime's: what they throw, what they return, what they are given.
// biome-ignore-all lint/suspicious/noThenProperty: thenables are what this is about
import { setTimeout as delay } from 'node:timers/promises'
import { agent, event, request } from 'ringreeve'

export const Ping = request<void, string>('ping')
export const Throw = request<string, void>('throw')
export const Same = request<void, void>('same')
export const Echo = request<object, string[]>('echo')
export const Thrown = event<string>('thrown')

const refuses = (): never => {
  throw new TypeError('not to be read')
}

/** What can be thrown. */
export const oddities: Readonly<Record<string, () => unknown>> = {
  plain: () => new Error('plain'),
  'stack throws': () => Object.defineProperty(new Error('x'), 'stack', { get: refuses }),
  'stack is no text': () => Object.assign(new Error('x'), { stack: { frames: [] } }),
  'stack is locked': () =>
    Object.defineProperty(new Error('x'), 'stack', { value: 'Error: x', writable: false, configurable: false }),
  'message throws': () => Object.defineProperty(new Error('x'), 'message', { get: refuses }),
  'name throws': () => Object.defineProperty(new Error('x'), 'name', { get: refuses }),
  'name is a symbol': () => Object.assign(new Error('x'), { name: Symbol('x') }),
  'a proxy that refuses all': () =>
    new Proxy(new Error('x'), { get: refuses, has: refuses, getPrototypeOf: refuses, ownKeys: refuses }),
  'a revoked proxy': () => {
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    return proxy
  },
  frozen: () => Object.freeze(new Error('x')),
  nothing: () => undefined,
  'no prototype': () => Object.create(null),
  'text throws': () => ({ toString: refuses, [Symbol.toPrimitive]: refuses }),
  'tag throws': () => ({
    toString: refuses,
    get [Symbol.toStringTag]() {
      return refuses()
    },
  }),
  'a function': () => () => {},
}

/** Answers with a value whose getter sends. */
export const Nested = request<string, { at: string; inner: unknown }>('nested')
export const Count = request<unknown, number>('count')
export const Counted = event<unknown>('counted')

const same = new Error('the same')

export const thrower = agent('thrower', { subscriptions: ['thrown'] })
  .on(Ping, () => 'pong')
  .on(Echo, payload => Object.keys(payload))
  .on(Throw, kind => {
    throw oddities[kind]?.()
  })
  .on(Same, () => {
    throw same
  })
  .on(Thrown, kind => {
    throw oddities[kind]?.()
  })

export const counter = agent('counter', { state: () => ({ n: 0 }), subscriptions: ['counted'] })
  .on(Count, (_, ctx) => ++ctx.state.n)
  .on(Counted, (_, ctx) => {
    ctx.state.n++
  })

const encoder = new TextEncoder()
const decoder = new TextDecoder()
export const coded = (hook: () => void) => ({
  encode: (text: string) => {
    hook()
    return encoder.encode(text)
  },
  decode: (bytes: Uint8Array) => decoder.decode(bytes),
})
export const Store = request<string, string>('store', { serializer: coded(() => {}) })
export const store = agent('store')
  .on(Store, text => `stored ${text}`)
  .on(Nested, (key, ctx) => {
    let sent = false
    return {
      get at() {
        if (!sent) void ctx.send(Count, undefined, `counter/${key}`)
        sent = true
        return `${ctx.id}`
      },
      inner: 1,
    }
  })

/** How often a `then` was looked at, by what was returned. */
const looks = { n: 0 }
/** What handlers return that is to be waited for, or only looks like it. */
export const thenables: Readonly<Record<string, () => unknown>> = {
  once: () => ({ then: (ok: (value: unknown) => void) => ok('once') }),
  twice: () => ({
    then(ok: (value: unknown) => void, bad: (error: unknown) => void) {
      ok('twice')
      ok('again')
      bad(new Error('and again'))
    },
  }),
  'throws when called': () => ({
    then() {
      throw new Error('then threw')
    },
  }),
  'throws late': () => ({
    then(ok: (value: unknown) => void) {
      ok('late')
      throw new Error('then threw')
    },
  }),
  'throws when looked at': () => ({
    get then() {
      throw new Error('getter threw')
    },
  }),
  counted: () => ({
    get then() {
      looks.n++
      return (ok: (value: unknown) => void) => ok('counted')
    },
  }),
  'a function': () => Object.assign(() => {}, { then: (ok: (value: unknown) => void) => ok('function') }),
  'no promise': () => Object.create(Promise.prototype),
  nested: () => ({ then: (ok: (value: unknown) => void) => ok(Promise.resolve('nested')) }),
  'of a class': () => new (class Lazy extends Promise<unknown> {})(ok => ok('class')),
}
export const Give = request<string, unknown>('give')
export const Looks = request<void, number>('looks')
export const Rest = request<number | undefined, void>('rest')
export const Asked = request<void, void>('asked')
export const giver = agent('giver', {
  state: id => (id.key in thenables ? (thenables[id.key] as () => unknown)() : undefined),
})
  .on(Give, kind => (thenables[kind] as () => unknown)())
  .on(Looks, () => looks.n)
  .on(Rest, (ms, ctx) => ctx.sleep(ms ?? 1))
  .on(Asked, () => {}, { when: (async () => false) as never })
  .on(Ping, (_, ctx) => String(ctx.state))

/** Two that add hooks to one definition. */
const ran: string[] = []
export const Ran = request<void, string[]>('ran')
export const hooked = agent('hooked')
  .onStart(() => void ran.push('first start'))
  .onStart(() => void ran.push('second start'))
  .onStop(() => {
    ran.push('first stop')
    throw new Error('the first failed')
  })
  .onStop(() => void ran.push('second stop'))
  .on(Ran, () => [...ran])

type Words = { begun: Int32Array; over: Int32Array }
export const Watch = request<Words, void>('watch')
export const Why = request<void, string[]>('why')
export const Many = request<void, string[]>('many')
export const watcher = agent('watcher', { concurrency: 'interleaved', state: () => ({ why: [] as string[] }) })
  .on(Watch, async ({ begun, over }, ctx) => {
    const { signal } = ctx
    signal.addEventListener('abort', () => {
      const { reason } = signal
      ctx.state.why = reason instanceof Error ? [reason.name, reason.message] : [typeof reason, String(reason)]
      Atomics.add(over, 0, 1)
    })
    const aborted = new Promise(resolve => signal.addEventListener('abort', resolve))
    Atomics.add(begun, 0, 1)
    await aborted
  })
  .on(Why, (_, ctx) => ctx.state.why)
  .on(Many, async (_, ctx) => {
    const told: string[] = []
    const hear = ({ message }: Error): void => {
      if (message.includes('AbortSignal')) told.push(message)
    }
    process.on('warning', hear)
    await Promise.all(Array.from({ length: 15 }, () => delay(1, undefined, { signal: ctx.signal })))
    await delay(10)
    process.off('warning', hear)
    return told
  })
