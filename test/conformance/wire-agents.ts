// Agents of the promises about messages as such: which handler, which agent, and what arrives.
import { agent, event, request } from 'ringreeve'

export const Order = request<unknown, string>('order')
export const Ordered = event('order')
export const Got = request<void, string[]>('got')

/** Only asked. */
export const clerk = agent('clerk', { state: () => [] as string[], subscriptions: ['orders'] })
  .on(Order, (_, ctx) => {
    ctx.state.push('asked')
    return 'answer'
  })
  .on(Got, (_, ctx) => ctx.state)
/** Only told. */
export const scribe = agent('scribe', { state: () => [] as string[], subscriptions: ['orders'] })
  .on(Ordered, (_, ctx) => void ctx.state.push('told'))
  .on(Got, (_, ctx) => ctx.state)
/** Both. */
export const foreman = agent('foreman', { state: () => [] as string[], subscriptions: ['orders'] })
  .on(Ordered, (_, ctx) => void ctx.state.push('told'))
  .on(Order, (_, ctx) => {
    ctx.state.push('asked')
    return 'answer'
  })
  .on(Got, (_, ctx) => ctx.state)

export const Count = request<string, { n: number; key: string; text: string; id: string }>('count')
export const Called = event<string>('called')
export const counter = agent('counter', { state: () => ({ n: 0 }), subscriptions: ['calling'] })
  .on(Count, (text, ctx) => ({ n: ++ctx.state.n, key: ctx.id.key, text, id: ctx.messageId }))
  .on(Called, (_, ctx) => void ctx.state.n++)

export const Echo = request<unknown, unknown>('echo')
export const Size = request<Uint8Array | readonly Uint8Array[], number>('size')
export const mirror = agent('mirror')
  .on(Echo, value => value)
  .on(Size, value => (value instanceof Uint8Array ? value.byteLength : value.length))
