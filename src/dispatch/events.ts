// What a dispatcher and the agents it routes to say to each other. An event goes to an agent as a request, whose answer
// is the events that follow from it; so an event is done when it is answered, and whether it failed is known.
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { later } from '../agent/edge.js'
import { InvalidArgumentError } from '../agent/errors.js'
import { type EventType, event, type PayloadOf, type ReceivedOf, type RequestType, request } from '../agent/message.js'

/**
 * An event on its way through a dispatcher. Plain data.
 * @example
 * export const analyzer = agent('analyzer').on(dispatched(TextArrived), ({ payload, correlationId, cause }) => {
 *   console.log(payload.text, 'belongs to', correlationId, 'and', cause === undefined ? 'begins it' : `follows ${cause}`)
 * })
 */
export interface Dispatched<Payload = unknown> {
  /** Name of the event type. */
  readonly type: string
  /** As it was dispatched, after the schema of its type. */
  readonly payload: Payload
  /** Unique in this process. */
  readonly id: string
  /** What it belongs to: given or made when the first event was dispatched, and kept by all that follow from it. */
  readonly correlationId: string
  /** Id of the event that it follows from; undefined for one that was dispatched from outside. */
  readonly cause: string | undefined
  /** Address of the dispatcher, for {@link Dispatch}. */
  readonly dispatcher: string
}

/**
 * An event that a handler wants dispatched. Made by {@link follow}.
 * @example
 * const analyse = (text: string): FollowUp => follow(Analysed, { words: text.split(' ').length })
 */
export interface FollowUp {
  /** Name of the event type. */
  readonly type: string
  /** Its payload. */
  readonly payload: unknown
  /** Default: that of the event being handled. */
  readonly correlationId?: string | undefined
  /** Default: the event being handled. */
  readonly cause?: string | undefined
}

/**
 * What a handler of a dispatched event returns: the events that follow from it, if any.
 * @example
 * agent('splitter').on(dispatched(TextArrived), ({ payload }): FollowUps =>
 *   payload.text.split('\n').map(line => follow(Analysed, { words: line.split(' ').length })),
 * )
 */
export type FollowUps = FollowUp | readonly FollowUp[] | undefined | void

/**
 * Ends the dispatcher at once when it is dispatched or returned.
 * @example agent('judge').on(dispatched(Analysed), ({ payload }) => (payload.words === 0 ? follow(Terminate) : undefined))
 */
export const Terminate: EventType<string, { sent: void; received: void; returned: void; answered: void }> =
  event('ringreeve.terminate')

/**
 * Asks a dispatcher to take an event, from any agent on any thread; for events that no handler can return, because they
 * come later. (Else return them.)
 * @example
 * agent('slow').on(dispatched(TextArrived), ({ dispatcher, correlationId }, ctx) => {
 *   const late = { ...follow(Analysed, { words: 2 }), correlationId }
 *   ctx.after(1_000, ctx => ctx.send(Dispatch, late, dispatcher))
 * })
 */
export const Dispatch: RequestType<string, { sent: FollowUp; received: FollowUp; returned: void; answered: void }> =
  request<FollowUp>('ringreeve.dispatch')

/**
 * An event that follows from the one being handled.
 * @throws InvalidArgumentError when `type` is no event
 * @example agent('analyzer').on(dispatched(TextArrived), () => follow(Analysed, { words: 12 }))
 */
export function follow<E extends EventType>(
  type: E,
  ...[payload]: undefined extends PayloadOf<E> ? [payload?: PayloadOf<E>] : [payload: PayloadOf<E>]
): FollowUp {
  if (type?.kind !== 'event')
    throw new InvalidArgumentError('follow() takes what event() returned as its first argument')
  return { type: type.name, payload }
}

type DispatchedType<E extends EventType> = RequestType<
  string,
  {
    sent: Dispatched<PayloadOf<E>>
    received: Dispatched<ReceivedOf<E>>
    returned: FollowUps
    answered: FollowUps
  }
>

/**
 * The message by which an agent gets events of that type from a dispatcher. A schema of the event is checked on the way.
 * @throws InvalidArgumentError when the event type has a serializer of its own: it would not be used
 * @example
 * export const analyzer = agent('analyzer').on(dispatched(TextArrived), ({ payload }) =>
 *   follow(Analysed, { words: payload.text.split(' ').length }),
 * )
 */
export function dispatched<E extends EventType>(type: E): DispatchedType<E> {
  if (type?.kind !== 'event') throw new InvalidArgumentError('dispatched() takes what event() returned')
  if (type.serializer !== undefined) {
    throw new InvalidArgumentError(
      `event '${type.name}' has a serializer, which a dispatcher does not use; make its payload plain data`,
    )
  }
  const name = `ringreeve.dispatched:${type.name}`
  const schema = type.payload
  return (schema === undefined
    ? request(name)
    : request(name, { input: within(schema) })) as unknown as DispatchedType<E>
}

/** A schema for the event around a payload. */
function within(schema: StandardSchemaV1): StandardSchemaV1 {
  type Result = StandardSchemaV1.Result<unknown>
  const around = (whole: Dispatched, { issues, ...result }: Result): Result =>
    issues === undefined
      ? { value: { ...whole, payload: (result as { value: unknown }).value } }
      : { issues: issues.map(issue => ({ ...issue, path: ['payload', ...(issue.path ?? [])] })) }
  const validate = (whole: unknown) => {
    const checked = schema['~standard'].validate((whole as Dispatched).payload)
    const late = later(checked) as Promise<Result> | undefined
    return late === undefined
      ? around(whole as Dispatched, checked as Result)
      : late.then(result => around(whole as Dispatched, result))
  }
  return { '~standard': { version: 1, vendor: 'ringreeve', validate } }
}
