// Message types: what a message is called and what its payload and answer are. A message type is plain data with
// a phantom type, so that two copies of a module (one per thread, one per loader) speak of the same message by name.
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { checkKnown } from './check.js'
import { InvalidArgumentError } from './errors.js'

/**
 * Turns payloads of one message type into bytes and back, in place of the general codec. Both run on any thread.
 * @example
 * const asText: Serializer<URL> = {
 *   encode: url => new TextEncoder().encode(url.href),
 *   decode: bytes => new URL(new TextDecoder().decode(bytes)),
 * }
 * export const Visited = event<URL>('visited', { serializer: asText })
 */
export interface Serializer<T = unknown> {
  /** The bytes of a payload; they are copied. */
  encode(value: T): Uint8Array
  /** The payload of these bytes, which are the reader's own copy and may be kept. */
  decode(bytes: Uint8Array): T
}

/** A serializer of whatever type, as the runtime keeps it. */
export interface AnySerializer {
  encode(value: never): Uint8Array
  decode(bytes: Uint8Array): unknown
}

declare const shape: unique symbol

/**
 * What `request` and `event` return, whatever the payload.
 * @example
 * const types: MessageType[] = [Digest, Hashed]
 * console.log(types.map(({ kind, name }) => `${kind} ${name}`)) // request digest, event hashed
 */
export interface MessageType {
  /** Whether it is sent to one agent, or published. */
  readonly kind: 'request' | 'event'
  /** What it is called; it travels with every message. */
  readonly name: string
}

/** The payload and answer of a message type at its four edges; equal in pairs unless a schema transforms. */
export interface MessageShape {
  sent: unknown
  received: unknown
  returned: unknown
  answered: unknown
}

/**
 * A message with one recipient and an answer, as {@link request} declares it.
 * @example
 * function times<M extends RequestType>(message: M, payload: PayloadOf<M>, count: number): Promise<AnswerOf<M>[]> {
 *   return Promise.all(Array.from({ length: count }, (_, i) => runtime.send(message, payload, `hasher/${i}`)))
 * }
 * const digests = await times(Digest, { text: 'hello', rounds: 10 }, 3)
 */
export interface RequestType<Name extends string = string, Shape extends MessageShape = MessageShape>
  extends MessageType {
  /** What tells it from an event. */
  readonly kind: 'request'
  /** What it is called; it travels with every message. */
  readonly name: Name
  /** Schema of the payload, checked on the sender's side. */
  readonly input?: StandardSchemaV1 | undefined
  /** Schema of the answer, checked where the handler ran. */
  readonly output?: StandardSchemaV1 | undefined
  /** Replaces the general codec for payloads that cross threads. */
  readonly serializer?: AnySerializer | undefined
  /** Replaces the general codec for answers that cross threads. */
  readonly answerSerializer?: AnySerializer | undefined
  readonly [shape]?: Shape
}

/**
 * A message that is published to a topic and has no answer, as {@link event} declares it.
 * @example
 * const later = <E extends EventType>(ms: number, type: E, payload: PayloadOf<E>) =>
 *   ctx.after(ms, ctx => ctx.publish(type, payload))
 * later(1_000, Hashed, { total: 1 })
 */
export interface EventType<Name extends string = string, Shape extends MessageShape = MessageShape>
  extends MessageType {
  /** What tells it from a request. */
  readonly kind: 'event'
  /** What it is called; it travels with every message. */
  readonly name: Name
  /** Schema of the payload, checked on the publisher's side. */
  readonly payload?: StandardSchemaV1 | undefined
  /** Replaces the general codec for payloads that cross threads. */
  readonly serializer?: AnySerializer | undefined
  readonly [shape]?: Shape
}

type ShapeOf<M> = M extends { readonly [shape]?: infer S } ? NonNullable<S> : never

/**
 * What a sender passes for a message of type M.
 * @example const payload: PayloadOf<typeof Digest> = { text: 'hello', rounds: 10 }
 */
export type PayloadOf<M extends MessageType> = ShapeOf<M> extends MessageShape ? ShapeOf<M>['sent'] : never
/**
 * What a handler of M receives: the payload after its schema.
 * @example
 * import { z } from 'zod'
 * const Remind = event('remind', { payload: z.object({ at: z.coerce.date() }) })
 * const isOver = ({ at }: ReceivedOf<typeof Remind>) => at.getTime() < Date.now() // a Date, whatever was sent
 */
export type ReceivedOf<M extends MessageType> = ShapeOf<M> extends MessageShape ? ShapeOf<M>['received'] : never
/**
 * What a handler of M returns: the answer before its schema.
 * @example const empty: ReturnOf<typeof Digest> = ''
 */
export type ReturnOf<M extends MessageType> = ShapeOf<M> extends MessageShape ? ShapeOf<M>['returned'] : never
/**
 * What the sender of M gets: the answer after its schema.
 * @example const known = new Map<string, AnswerOf<typeof Digest>>()
 */
export type AnswerOf<M extends MessageType> = ShapeOf<M> extends MessageShape ? ShapeOf<M>['answered'] : never

type In<S> = S extends StandardSchemaV1 ? StandardSchemaV1.InferInput<S> : unknown
type Out<S> = S extends StandardSchemaV1 ? StandardSchemaV1.InferOutput<S> : unknown

/** Options of {@link request}. */
export interface RequestOptions<I, O> {
  /** Any Standard Schema (zod, valibot, arktype, …) for the payload; checked on the sender's side. */
  readonly input?: I
  /** Any Standard Schema for the answer; checked where the handler ran. */
  readonly output?: O
  /** Replaces the general codec for payloads that cross threads. */
  readonly serializer?: AnySerializer
  /** Replaces the general codec for answers that cross threads. */
  readonly answerSerializer?: AnySerializer
}

/** Options of {@link event}. */
export interface EventOptions<P> {
  /** Any Standard Schema for the payload; checked on the publisher's side. */
  readonly payload?: P
  /** Replaces the general codec for payloads that cross threads. */
  readonly serializer?: AnySerializer
}

const requestOptions: Readonly<Record<keyof RequestOptions<0, 0>, true>> = {
  input: true,
  output: true,
  serializer: true,
  answerSerializer: true,
}
const eventOptions: Readonly<Record<keyof EventOptions<0>, true>> = { payload: true, serializer: true }

/** Names of what an agent sends itself: the tick of a timer, and the wish to stop. No message type may have them. */
export const TIMER = '(timer)'
export const STOP = '(stop)'

function checkName(kind: string, name: string): void {
  if (name === TIMER || name === STOP) {
    throw new InvalidArgumentError(`${kind}(): '${name}' is what the runtime itself calls a message; take another name`)
  }
  if (typeof name !== 'string' || name === '') {
    throw new InvalidArgumentError(`${kind}() takes the name of the message type, a non-empty string`)
  }
}

function checkSchema(where: string, schema: unknown): void {
  if (schema === undefined) return
  const standard = (schema as Partial<StandardSchemaV1>)['~standard']
  if (typeof standard?.validate !== 'function') {
    throw new InvalidArgumentError(`${where} is not a Standard Schema (it has no "~standard".validate)`)
  }
}

/**
 * Declares a request: a message with one recipient and an answer.
 * The name travels with every message, so it must mean the same on every thread.
 * @throws InvalidArgumentError when the name is empty
 * @example const Add = request<{ a: number; b: number }, number>('add')
 */
export function request<Payload = void, Answer = void>(
  name: string,
  options?: { readonly serializer?: Serializer<Payload>; readonly answerSerializer?: Serializer<Answer> },
): RequestType<string, { sent: Payload; received: Payload; returned: Answer; answered: Answer }>
/**
 * Declares a request with schemas: payloads are checked on the sender's side, answers where the handler ran.
 * @throws InvalidArgumentError when the name is empty or a schema is not a Standard Schema
 * @example
 * import { z } from 'zod'
 * const Resize = request('resize', { input: z.object({ width: z.int().positive() }), output: z.instanceof(Uint8Array) })
 */
export function request<
  const Name extends string,
  I extends StandardSchemaV1 | undefined = undefined,
  O extends StandardSchemaV1 | undefined = undefined,
>(
  name: Name,
  options: RequestOptions<I, O>,
): RequestType<Name, { sent: In<I>; received: Out<I>; returned: In<O>; answered: Out<O> }>
export function request(name: string, options: Omit<RequestType, 'kind' | 'name'> = {}): unknown {
  checkName('request', name)
  checkKnown(`request '${name}'`, options, requestOptions)
  checkSchema(`request '${name}': input`, options.input)
  checkSchema(`request '${name}': output`, options.output)
  return Object.freeze({ kind: 'request', name, ...options })
}

/**
 * Declares an event: a message that is published to a topic and has no answer.
 * @throws InvalidArgumentError when the name is empty
 * @example const Moved = event<{ x: number; y: number }>('moved')
 */
export function event<Payload = void>(
  name: string,
  options?: { readonly serializer?: Serializer<Payload> },
): EventType<string, { sent: Payload; received: Payload; returned: void; answered: void }>
/**
 * Declares an event with a schema, which is checked on the publisher's side.
 * @throws InvalidArgumentError when the name is empty or the schema is not a Standard Schema
 * @example
 * import { z } from 'zod'
 * const Moved = event('moved', { payload: z.object({ x: z.number(), y: z.number() }) })
 */
export function event<const Name extends string, P extends StandardSchemaV1>(
  name: Name,
  options: EventOptions<P> & { readonly payload: P },
): EventType<Name, { sent: In<P>; received: Out<P>; returned: void; answered: void }>
export function event(name: string, options: Omit<EventType, 'kind' | 'name'> = {}): unknown {
  checkName('event', name)
  checkKnown(`event '${name}'`, options, eventOptions)
  checkSchema(`event '${name}': payload`, options.payload)
  return Object.freeze({ kind: 'event', name, ...options })
}
