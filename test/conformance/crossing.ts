// Agents of the promises about what crosses threads as what it is, and what is refused.
import { agent, request } from 'ringreeve'

export const Echo = request<unknown, unknown>('echo')
/** What it is as a text. */
export const Text = request<unknown, string>('text')
export const Me = request<void, unknown>('me')
export const Throw = request<keyof typeof thrown, void>('throw')
export const Make = request<keyof typeof made, unknown>('make')

export const thrown = {
  dom: () => new DOMException('not here', 'NotFoundError'),
  caused: () => new Error('outside', { cause: AbortSignal.abort().reason }),
  bare: () => Object.setPrototypeOf(new TypeError('without a prototype'), null) as Error,
  some: () => new AggregateError([new TypeError('one'), 2, () => 3, [4, () => 5], new RangeError('six')], 'some'),
  nameless: () => Object.assign(new Error('nameless'), { name: undefined }),
  callback: () => Object.assign(new Error('has a callback'), { callback: () => 1 }),
}

export const made = {
  Headers: () => new Headers([['a', 'b']]),
  FormData: () => new FormData(),
  Request: () => new Request('http://x/'),
  Response: () => new Response('x'),
  AbortSignal: () => new AbortController().signal,
  AbortController: () => new AbortController(),
  Event: () => new Event('x'),
  EventTarget: () => new EventTarget(),
  TextDecoder: () => new TextDecoder(),
  ReadableStream: () => new ReadableStream(),
  Own: () => new (class Own extends Headers {})(),
}

export const crosser = agent('crosser')
  .on(Echo, value => value)
  .on(Text, value => `${value}`)
  .on(Me, (_, ctx) => ({ id: ctx.id, again: ctx.id, topic: ctx.topic }))
  .on(Throw, kind => {
    throw thrown[kind]()
  })
  .on(Make, kind => made[kind]())
