// Interceptors of the conformance suite: loaded by every thread. What they do is said by the payload.
import { DROP, interceptor } from 'ringreeve'

const order = (payload: unknown): payload is { order: string } =>
  typeof payload === 'object' && payload !== null && 'order' in payload
const sleep = (ms: number) => new Promise<void>(resolve => setTimeout(resolve, ms))

function act(stage: string, payload: unknown): unknown {
  if (!order(payload)) return undefined
  switch (payload.order) {
    case `${stage} replace`:
      return { order: 'replaced', stage }
    case `${stage} drop`:
      return DROP
    case `${stage} throw`:
      throw new RangeError(`${stage} refused`)
    case `${stage} late`:
      return sleep(20).then(() => ({ order: 'replaced late', stage }))
    default:
      return undefined
  }
}

export const first = interceptor({
  onSend: payload => (typeof payload === 'number' ? payload + 1 : act('send', payload)),
  onPublish: payload => act('publish', payload),
  onResponse: payload => act('response', payload),
})

export const second = interceptor({ onSend: payload => (typeof payload === 'number' ? payload * 10 : undefined) })

/** Drops what a memory tells of its entry 'private'. */
export const discreet = interceptor({
  onPublish: payload => ((payload as { key?: unknown } | null)?.key === 'private' ? DROP : undefined),
})
