// Message types: what a message is called and what its payload and answer are. A message type is plain data with
// a phantom type, so that two copies of a module (one per thread, one per loader) speak of the same message by name.
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { InvalidArgumentError } from './errors.js'

/** Turns payloads of one message type into bytes and back, in place of the general codec. Both run on any thread. */
export interface Serializer<T = unknown> {
  encode(value: T): Uint8Array
  /** The bytes are the reader's own copy and may be kept. */
  decode(bytes: Uint8Array): T
}

/** A serializer of whatever type, as the runtime keeps it. */
export interface AnySerializer {
  encode(value: never): Uint8Array
  decode(bytes: Uint8Array): unknown
}

declare const shape: unique symbol

/** What `request` and `event` return, whatever the payload. */
export interface MessageType {
  readonly kind: 'request' | 'event'
  readonly name: string
}

/** The payload and answer of a message type at its four edges; equal in pairs unless a schema transforms. */
export interface MessageShape {
  sent: unknown
  received: unknown
  returned: unknown
  answered: unknown
}

/** A message with one recipient and an answer. */
export interface RequestType<Name extends string = string, Shape extends MessageShape = MessageShape>
  extends MessageType {
  readonly kind: 'request'
  readonly name: Name
  readonly input?: StandardSchemaV1 | undefined
  readonly output?: StandardSchemaV1 | undefined
  readonly serializer?: AnySerializer | undefined
  readonly answerSerializer?: AnySerializer | undefined
  readonly [shape]?: Shape
}

/** A message published to a topic; it has no answer. */
export interface EventType<Name extends string = string, Shape extends MessageShape = MessageShape>
  extends MessageType {
  readonly kind: 'event'
  readonly name: Name
  readonly payload?: StandardSchemaV1 | undefined
  readonly serializer?: AnySerializer | undefined
  readonly [shape]?: Shape
}

type ShapeOf<M> = M extends { readonly [shape]?: infer S } ? NonNullable<S> : never

/** What a sender passes for a message of type M. */
export type PayloadOf<M extends MessageType> = ShapeOf<M> extends MessageShape ? ShapeOf<M>['sent'] : never
/** What a handler of M receives: the payload after its schema. */
export type ReceivedOf<M extends MessageType> = ShapeOf<M> extends MessageShape ? ShapeOf<M>['received'] : never
/** What a handler of M returns. */
export type ReturnOf<M extends MessageType> = ShapeOf<M> extends MessageShape ? ShapeOf<M>['returned'] : never
/** What the sender of M gets: the answer after its schema. */
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
 * @example const Digest = request('digest', { input: z.object({ text: z.string() }), output: z.string() })
 * @example const Add = request<{ a: number; b: number }, number>('add')
 * @throws InvalidArgumentError when the name is empty or a schema is not a Standard Schema
 */
export function request<Payload = void, Answer = void>(
  name: string,
  options?: { readonly serializer?: Serializer<Payload>; readonly answerSerializer?: Serializer<Answer> },
): RequestType<string, { sent: Payload; received: Payload; returned: Answer; answered: Answer }>
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
  checkSchema(`request '${name}': input`, options.input)
  checkSchema(`request '${name}': output`, options.output)
  return Object.freeze({ kind: 'request', name, ...options })
}

/**
 * Declares an event: a message that is published to a topic and has no answer.
 * @example const Hashed = event<{ total: number }>('hashed')
 * @example const Hashed = event('hashed', { payload: z.object({ total: z.number() }) })
 * @throws InvalidArgumentError when the name is empty or the schema is not a Standard Schema
 */
export function event<Payload = void>(
  name: string,
  options?: { readonly serializer?: Serializer<Payload> },
): EventType<string, { sent: Payload; received: Payload; returned: void; answered: void }>
export function event<const Name extends string, P extends StandardSchemaV1>(
  name: Name,
  options: EventOptions<P> & { readonly payload: P },
): EventType<Name, { sent: In<P>; received: Out<P>; returned: void; answered: void }>
export function event(name: string, options: Omit<EventType, 'kind' | 'name'> = {}): unknown {
  checkName('event', name)
  checkSchema(`event '${name}': payload`, options.payload)
  return Object.freeze({ kind: 'event', name, ...options })
}
