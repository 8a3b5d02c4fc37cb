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
