// The dispatcher. What it keeps: an event is either begun at all its agents, in one go, or at none; every event is
// counted from the moment it is taken until all its agents answered and its follow-ups are taken; and once it is closed
// nothing begins any more, while what is at work still ends: then it has ended.

import { randomUUID } from 'node:crypto'
import { checkFunction, checkKnown, checkMs, shown } from '../agent/check.js'
import { agent } from '../agent/definition.js'
import { saidAtOnce, tell } from '../agent/edge.js'
import { AlreadyExistsError, InvalidArgumentError, lineOf, StoppedError, UnknownAgentError } from '../agent/errors.js'
import { agentId, toAgentId } from '../agent/ids.js'
import type { EventType, PayloadOf, RequestType } from '../agent/message.js'
import { Queue } from '../base/queue.js'
import { clearTimeout, setTimeout } from '../base/real-time.js'
import type { Runtime } from '../coordinator/api.js'
import type {
  Dispatcher,
  DispatcherEnd,
  DispatcherOptions,
  DispatcherStats,
  DispatchFailure,
  RouteTarget,
} from './api.js'
import { Dispatch, type Dispatched, dispatched, type FollowUp, type FollowUps, Terminate } from './events.js'
import { Room } from './room.js'

const MAX_CORRELATION = 256

const dispatcherOptions: Readonly<Record<keyof DispatcherOptions, true>> = {
  name: true,
  batchSize: true,
  capacity: true,
  onFailure: true,
}

interface Route {
  readonly message: RequestType
  readonly to: RouteTarget<unknown>
  readonly when: ((event: Dispatched) => boolean) | undefined
}

class RoutingDispatcher implements Dispatcher {
  readonly address: string
  readonly ended: Promise<DispatcherEnd>
  readonly #runtime: Runtime
  readonly #batchSize: number
  readonly #capacity: number
  readonly #onFailure: (failure: DispatchFailure) => void
  readonly #routes = new Map<string, Route[]>()
  readonly #queue = new Queue<Dispatched>()
  readonly #room = new Room()
  readonly #idsOf = randomUUID().slice(0, 8)
  #numbered = 0
  #atWork = 0
  /** Agents at work on events, and on how many. */
  readonly #workers = new Map<string, number>()
  #done = 0
  #failed = 0
  #unrouted = 0
  #empty: ((empty: boolean) => void)[] = []
  #open = true
  #by: Dispatched | undefined
  readonly #undone: Dispatched[] = []
  #end!: (end: DispatcherEnd) => void

  constructor(runtime: Runtime, address: string, options: DispatcherOptions) {
    if (options.onFailure !== undefined) checkFunction("a dispatcher's onFailure", options.onFailure)
    this.#runtime = runtime
    this.address = address
    this.#batchSize = atLeastOne('batchSize', options.batchSize ?? 64)
    this.#capacity = atLeastOne('capacity', options.capacity ?? 10_000)
    this.#onFailure = options.onFailure ?? warn
    this.ended = new Promise(resolve => {
      this.#end = resolve
    })
  }

  /** Whether nothing of it is at work any more, nor ever will be. */
  get over(): boolean {
    return !this.#open && this.#isEmpty
  }

  route<E extends EventType>(
    type: E,
    to: RouteTarget<PayloadOf<E>>,
    options: { readonly when?: (event: Dispatched<PayloadOf<E>>) => boolean } = {},
  ): () => void {
    const message = dispatched(type) as unknown as RequestType
    if (type.name === Terminate.name)
      throw new InvalidArgumentError('a terminate event ends the dispatcher; it has no route')
    checkKnown(`route() of '${type.name}'`, options, { when: true })
    if (options.when !== undefined) checkFunction(`route() of '${type.name}': when`, options.when)
    const fixed = typeof to === 'function' ? to : toAgentId(to)
    const route = { message, to: fixed, when: options.when } as Route
    const routes = this.#routes.get(type.name) ?? []
    this.#routes.set(type.name, [...routes, route])
    return () => {
      const left = this.#routes.get(type.name)?.filter(one => one !== route) ?? []
      if (left.length === 0) this.#routes.delete(type.name)
      else this.#routes.set(type.name, left)
    }
  }

  async dispatch<E extends EventType>(
    type: E,
    payload: PayloadOf<E>,
    options: { readonly correlationId?: string } = {},
  ): Promise<Dispatched<PayloadOf<E>>> {
    if (type?.kind !== 'event') {
      throw new InvalidArgumentError('dispatch() takes what event() returned as its first argument')
    }
    checkKnown(`dispatch() of '${type.name}'`, options, { correlationId: true })
    const taken = this.take({ type: type.name, payload, ...options })
    await this.room()
    return taken as Dispatched<PayloadOf<E>>
  }

  async waitUntilEmpty(timeoutMs?: number): Promise<boolean> {
    const limited = timeoutMs !== undefined && timeoutMs !== Number.POSITIVE_INFINITY
    if (limited) checkMs('waitUntilEmpty()', timeoutMs, 0)
    if (this.#isEmpty) return this.#undone.length === 0
    return new Promise(resolve => {
      if (!limited) {
        this.#empty.push(resolve)
        return
      }
      const told = (empty: boolean) => {
        clearTimeout(timer)
        resolve(empty)
      }
      const timer = setTimeout(() => {
        this.#empty = this.#empty.filter(one => one !== told)
        resolve(false)
      }, timeoutMs)
      this.#empty.push(told)
    })
  }

  stop(): Promise<DispatcherEnd> {
    this.#close()
    return this.ended
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  stats(): DispatcherStats {
    return {
      queued: this.#queue.length,
      atWork: this.#atWork,
      done: this.#done,
      failed: this.#failed,
      unrouted: this.#unrouted,
    }
  }

  /** Takes an event from outside. @throws StoppedError, InvalidArgumentError */
  take(what: FollowUp): Dispatched {
    if (!this.#open) throw new StoppedError(`${this.address} has ended`)
    const { correlationId } = what
    if (
      correlationId !== undefined &&
      (typeof correlationId !== 'string' || correlationId === '' || correlationId.length > MAX_CORRELATION)
    ) {
      throw new InvalidArgumentError(`a correlation id must be a string of 1 to ${MAX_CORRELATION} characters`)
    }
    const taken = this.#made(what, correlationId ?? randomUUID(), what.cause)
    this.#put(taken)
    this.#pump()
    return taken
  }

  /**
   * Resolves when no more than `capacity` events wait, or when room may come only after whoever waits has gone on.
   * @param agent who waits for it, if it is one
   */
  room(agent?: string): Promise<void> | undefined {
    if (this.#queue.length <= this.#capacity || (agent !== undefined && this.#workers.has(agent))) return undefined
    return this.#room.wait(agent)
  }

  get #isEmpty(): boolean {
    return this.#queue.length === 0 && this.#atWork === 0
  }

  #made({ type, payload }: FollowUp, correlationId: string, cause: string | undefined): Dispatched {
    const id = `${this.#idsOf}.${++this.#numbered}`
    return { type, payload, id, correlationId, cause, dispatcher: this.address }
  }

  #put(event: Dispatched): void {
    if (!this.#open) this.#undone.push(event)
    else if (event.type !== Terminate.name) this.#queue.push(event)
    else {
      this.#by = event
      this.#close()
    }
  }

  #pump(): void {
    while (this.#open && this.#atWork < this.#batchSize) {
      const event = this.#queue.shift()
      if (event === undefined) break
      this.#begin(event)
      // all of them: with one for each that begins, the last would wait for events that nobody dispatches any more
      if (this.#queue.length <= this.#capacity) this.#room.releaseAll()
    }
    this.#look()
  }

  #begin(event: Dispatched): void {
    const agents = new Map<string, RequestType>()
    const routes = this.#routes.get(event.type) ?? []
    this.#atWork++ // before the application's own code runs, which may end the dispatcher
    for (const { message, to, when } of routes) {
      try {
        if (when !== undefined && !saidAtOnce(`when of a route of '${event.type}'`, when(event))) continue
        agents.set(toAgentId(typeof to === 'function' ? to(event) : to).toString(), message)
      } catch (error) {
        this.#fail(event, undefined, error)
      }
    }
    if (routes.length === 0) this.#unrouted++
    if (agents.size === 0) {
      this.#atWork--
      this.#done++
      this.#room.moved()
      return
    }
    let left = agents.size
    let refused = false
    const over = (to: string) => {
      const others = (this.#workers.get(to) ?? 1) - 1
      if (others > 0) this.#workers.set(to, others)
      else this.#workers.delete(to)
      if (--left > 0) return
      this.#atWork--
      this.#room.moved()
      if (refused) {
        this.#undone.push(event)
        this.#close()
      } else {
        this.#done++
        this.#pump()
      }
    }
    const options = { messageId: event.id, cause: event.cause, correlation: event.correlationId }
    for (const [to, message] of agents) {
      this.#workers.set(to, (this.#workers.get(to) ?? 0) + 1)
      this.#room.release(to) // its event may stand behind the very turn that waits
      this.#runtime.send(message, event as never, to, options).then(
        answer => {
          try {
            this.#follow(event, to, answer as FollowUps)
          } catch (error) {
            this.#fail(event, to, error) // it throws when it is looked at
          }
          over(to)
        },
        error => {
          if (error instanceof StoppedError && !this.#runtime.running) refused = true
          else this.#fail(event, to, error)
          over(to)
        },
      )
    }
  }

  #follow(event: Dispatched, from: string, answer: FollowUps): void {
    if (answer === undefined || answer === null) return
    for (const one of Array.isArray(answer) ? (answer as FollowUp[]) : [answer as FollowUp]) {
      if (typeof one?.type === 'string') {
        this.#put(this.#made(one, one.correlationId ?? event.correlationId, one.cause ?? event.id))
      } else {
        const text = `${from} answered '${event.type}' with ${shown(one)}; follow-ups are made by follow()`
        this.#fail(event, from, new InvalidArgumentError(text))
      }
    }
  }

  #fail(event: Dispatched, to: string | undefined, error: unknown): void {
    this.#failed++
    const failure = { event, agent: to, error }
    tell(this.#onFailure, failure, thrown => {
      warn(failure)
      warn({ ...failure, agent: 'onFailure', error: thrown })
    })
  }

  #close(): void {
    this.#open = false
    this.#undone.push(...this.#queue.drain())
    this.#room.releaseAll()
    this.#look()
  }

  /** Tells those who wait, if nothing is under way. */
  #look(): void {
    if (!this.#isEmpty) return
    const waiting = this.#empty
    this.#empty = []
    for (const tell of waiting) tell(this.#undone.length === 0)
    if (!this.#open) this.#end({ by: this.#by, undone: this.#undone })
  }
}

function warn({ event, agent: to, error }: DispatchFailure): void {
  process.emitWarning(
    `event '${event.type}' failed at ${to ?? 'its routes'}: ${lineOf(error)}`,
    'RingreeveDispatchWarning',
  )
}

function atLeastOne(option: string, value: number): number {
  if (Number.isInteger(value) && value >= 1) return value
  throw new InvalidArgumentError(`a dispatcher's ${option} must be a whole number of at least 1, got ${value}`)
}

/** The dispatchers of each runtime, by key, behind one agent on the calling loop. */
const houses = new WeakMap<Runtime, Promise<Map<string, RoutingDispatcher>>>()

async function houseOf(runtime: Runtime): Promise<Map<string, RoutingDispatcher>> {
  const dispatchers = new Map<string, RoutingDispatcher>()
  const door = agent('dispatcher', {
    concurrency: 'interleaved',
    description: 'takes events from agents for a dispatcher',
  }).on(Dispatch, async (event, ctx) => {
    const dispatcher = dispatchers.get(ctx.id.key)
    if (dispatcher === undefined) throw new UnknownAgentError(`there is no dispatcher ${ctx.id}`)
    dispatcher.take(event)
    await dispatcher.room(ctx.sender?.toString())
  })
  await runtime.register(door)
  return dispatchers
}

/**
 * Makes a dispatcher on a runtime. It lives on the calling loop and sends to agents wherever they are.
 * @throws InvalidArgumentError; AlreadyExistsError while another of that name has not ended
 * @example
 * await using dispatcher = await createDispatcher(runtime, { batchSize: 16 })
 * dispatcher.route(TextArrived, 'analyzer/x')
 * await dispatcher.dispatch(TextArrived, { text: 'hello' })
 * await dispatcher.waitUntilEmpty(5_000)
 */
export async function createDispatcher(runtime: Runtime, options: DispatcherOptions = {}): Promise<Dispatcher> {
  checkKnown('createDispatcher()', options, dispatcherOptions)
  const { key } = agentId('dispatcher', options.name ?? 'main')
  const dispatcher = new RoutingDispatcher(runtime, `dispatcher/${key}`, options)
  let house = houses.get(runtime)
  if (house === undefined) {
    house = houseOf(runtime)
    houses.set(runtime, house)
    house.catch(() => houses.delete(runtime))
  }
  const dispatchers = await house
  if (dispatchers.get(key)?.over === false) {
    throw new AlreadyExistsError(
      `${dispatcher.address} has not ended; await its stop() first, or give this one another name`,
    )
  }
  dispatchers.set(key, dispatcher)
  return dispatcher
}
