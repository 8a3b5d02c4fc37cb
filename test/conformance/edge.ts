// Agents whose code is odd where it meets the runtime's: what they throw, what they return, what they are given.
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
