// The aggregator: an agent that gathers, for each correlation id, the events that belong together. What it keeps: an
// event is in exactly one group; a group holds at most what it needs, so what is too much for it opens the next group of
// that id; a group is combined once, when it is whole, when its time is over, or when it must make room.
import { checkKnown, checkMs } from '../agent/check.js'
import type { Context, LifeContext, Timer } from '../agent/context.js'
import { type AgentDefinition, agent } from '../agent/definition.js'
import { InvalidArgumentError } from '../agent/errors.js'
import type { AgentId } from '../agent/ids.js'
import { type EventType, type ReceivedOf, type RequestType, request } from '../agent/message.js'
import type { CheckpointPolicy, MailboxOptions } from '../agent/options.js'
import { Dispatch, type Dispatched, dispatched, type FollowUp, type FollowUps } from './events.js'

const WAIT_MS = 30_000

/**
 * What was gathered for a correlation id.
 * @example
 * const { events, complete }: Group = await runtime.send(WaitFor, { correlationId: 'hamlet' }, 'combiner/x')
 * console.log(complete ? pick(events, Analysed)?.words : `only ${events.length} came`)
 */
export interface Group {
  /** What the events belong to. */
  readonly correlationId: string
  /** In the order in which they came. */
  readonly events: readonly Dispatched[]
  /** Whether everything needed is there; if not, the time was over or newer groups needed the room. */
  readonly complete: boolean
}

/**
 * Asks an aggregator for the group of a correlation id: the last one that closed and was not asked for yet, or else the
 * next that closes. After `timeout` ms (default 30,000), or when the aggregator stops, it answers with what is there,
 * `complete: false`.
 * @example const { events } = await runtime.send(WaitFor, { correlationId: 'hamlet', timeout: 500 }, 'combiner/x')
 */
export const WaitFor: RequestType<
  string,
  {
    sent: { readonly correlationId: string; readonly timeout?: number }
    received: { readonly correlationId: string; readonly timeout?: number }
    returned: Group
    answered: Group
  }
> = request('ringreeve.wait-for')

/**
 * Options of {@link aggregator}.
 * @example
 * const options: AggregatorOptions = {
 *   needs: [Analysed, Analysed],
 *   timeout: 5_000,
 *   combine: ({ complete, correlationId }) => console.log(correlationId, complete),
 * }
 * export const pairs = aggregator('pairs', options)
 */
export interface AggregatorOptions {
  /** The events of a group. A type that stands there twice is needed twice. */
  readonly needs: readonly EventType[]
  /**
   * Makes of a group the events that follow. Also called for groups that are not complete: look at `complete`. What it
   * throws is a failure of the event that made the group complete; else of the agent, in the log and as a process warning.
   */
  readonly combine: (group: Group, ctx: Context) => FollowUps | Promise<FollowUps>
  /**
   * Milliseconds from a group's first event until it is closed with what there is. For a group that was restored they
   * begin anew, at most `timeout` after it was. Default: no limit.
   */
  readonly timeout?: number
  /** Groups that are open at a time; one more closes the oldest with what there is. Default 1,000. */
  readonly capacity?: number
  /** How many closed groups are kept for {@link WaitFor}, the newest. Default 100. */
  readonly remember?: number
  /** How many threads host it. Default: all; one agent is always on one. */
  readonly threads?: number
  /** Bound of its queue, and what happens beyond it. Default: 1024 messages, then senders wait. */
  readonly mailbox?: MailboxOptions
  /** When open groups are kept for the case that the thread ends. Default: never; then they are lost with it. */
  readonly checkpoint?: CheckpointPolicy
}

interface OpenGroup {
  readonly correlationId: string
  /** Grows from group to group. */
  readonly number: number
  readonly events: Dispatched[]
}

interface AggregatorState {
  /** Open groups by correlation id, the oldest first. The ids are prefixed: as they are they could be `__proto__` or 7. */
  readonly open: Record<string, OpenGroup[]>
  count: number
  /** Groups that were ever opened. */
  opened: number
}

type Ctx = Context<AggregatorState>
type Beside = LifeContext<AggregatorState>

/** What one agent has beside its state: it is not saved. */
class Aftermath {
  readonly closed = new Map<string, Group>()
  readonly waiting = new Map<string, Set<(group: Group) => void>>()
  readonly timers = new Map<OpenGroup, Timer>()
  /** The state that the timers are for: it may be replaced by one that was saved. */
  state: AggregatorState | undefined
  /** Whether the agent stops: then no timer fires any more. */
  ending = false
}

/**
 * Declares an agent that gathers events by correlation id. Its open groups are state: they are saved and restored.
 * @throws InvalidNameError, InvalidArgumentError
 * @example
 * const Summarised = event<{ summary: string }>('summarised')
 * const Combined = event<{ words: number }>('combined')
 * export const combiner = aggregator('combiner', {
 *   needs: [Analysed, Summarised],
 *   timeout: 5_000,
 *   combine: ({ events }) => follow(Combined, { words: pick(events, Analysed)?.words ?? 0 }),
 * })
 * // for each needed type: dispatcher.route(Analysed, 'combiner/x')
 */
export function aggregator(type: string, options: AggregatorOptions): AgentDefinition<unknown, typeof WaitFor> {
  check(type, options)
  const { needs, combine, timeout, capacity = 1_000, remember = 100, threads, mailbox, checkpoint } = options
  const needed = countsOf(needs.map(({ name }) => name))
  const whole = needs.length
  const aftermaths = new WeakMap<AgentId, Aftermath>()

  const aftermathOf = (ctx: Beside): Aftermath => {
    const one = aftermaths.get(ctx.id) ?? new Aftermath()
    if (one.state === ctx.state) return one
    aftermaths.set(ctx.id, one)
    one.state = ctx.state
    for (const timer of one.timers.values()) timer.cancel()
    one.timers.clear()
    for (const group of Object.values(ctx.state.open).flat()) limit(group, ctx, one)
    return one
  }

  const limit = (group: OpenGroup, ctx: Beside, { timers }: Aftermath): void => {
    if (timeout === undefined) return
    const timer = ctx.after(timeout, late => expire(group, late))
    timers.set(group, timer)
  }

  const close = (group: OpenGroup, ctx: Ctx): FollowUps | Promise<FollowUps> => {
    const { state } = ctx
    const key = keyOf(group.correlationId)
    const others = (state.open[key] ?? []).filter(one => one !== group)
    if (others.length === 0) delete state.open[key]
    else state.open[key] = others
    state.count--
    const closed = { correlationId: group.correlationId, events: group.events, complete: group.events.length === whole }
    const { waiting, timers, closed: kept } = aftermathOf(ctx)
    timers.get(group)?.cancel()
    timers.delete(group)
    const waiters = waiting.get(group.correlationId)
    if (waiters !== undefined) {
      waiting.delete(group.correlationId)
      for (const tell of waiters) tell(closed)
    } else if (remember > 0) {
      kept.delete(group.correlationId)
      kept.set(group.correlationId, closed)
      if (kept.size > remember) kept.delete(kept.keys().next().value as string)
    }
    return combine(closed, ctx)
  }

  const take = (event: Dispatched, ctx: Ctx): FollowUps | Promise<FollowUps> => {
    const { state } = ctx
    const aftermath = aftermathOf(ctx)
    const key = keyOf(event.correlationId)
    const groups = state.open[key] ?? []
    let group = groups.find(({ events }) => countOf(events, event.type) < (needed.get(event.type) as number))
    const results: (FollowUps | Promise<FollowUps>)[] = []
    if (group === undefined) {
      if (state.count >= capacity) results.push(makeRoom(oldest(state) as OpenGroup, ctx))
      group = { correlationId: event.correlationId, number: state.opened++, events: [] }
      limit(group, ctx, aftermath)
      state.open[key] = [...(state.open[key] ?? []), group]
      state.count++
    }
    group.events.push(event)
    if (group.events.length === whole) results.push(close(group, ctx))
    return results.length <= 1 ? results[0] : Promise.all(results).then(all => all.flatMap(listOf))
  }

  /** Closes a group for that of another event, which has no part in what `combine` throws: it is a timer's, as at its timeout. */
  const makeRoom = (group: OpenGroup, ctx: Ctx): Promise<FollowUp[]> =>
    closeEarly(group, ctx).catch(error => {
      ctx.after(0, () => {
        throw error
      })
      return []
    })

  /** Closes a group that is not whole; what follows keeps the correlation id and the cause of that group. */
  const closeEarly = async (group: OpenGroup, ctx: Ctx): Promise<FollowUp[]> => {
    const cause = group.events.at(-1)?.id
    const follows = listOf(await close(group, ctx))
    return follows.map(one => ({ correlationId: group.correlationId, cause, ...one }))
  }

  /** The time of a group is over. */
  const expire = async (group: OpenGroup, ctx: Ctx): Promise<void> => {
    if (ctx.state.open[keyOf(group.correlationId)]?.includes(group) !== true) return // its state was replaced
    const { dispatcher } = group.events[0] as Dispatched
    const { correlationId: correlation } = group
    for (const one of await closeEarly(group, ctx)) {
      await ctx.send(Dispatch, one, dispatcher, { cause: one.cause, correlation })
    }
  }

  const waitFor = ({ correlationId, timeout: ms = WAIT_MS }: { correlationId: string; timeout?: number }, ctx: Ctx) => {
    checkMs(`aggregator '${type}': the timeout of WaitFor`, ms, 0)
    const { closed, waiting, ending } = aftermathOf(ctx)
    const there = closed.get(correlationId)
    closed.delete(correlationId)
    if (there !== undefined || ending) return there ?? partOf(ctx.state, correlationId)
    return new Promise<Group>(resolve => {
      const waiters = waiting.get(correlationId) ?? new Set()
      const settle = (group: Group) => {
        timer.cancel()
        signal.removeEventListener('abort', giveUp)
        resolve(group)
      }
      const giveUp = () => {
        waiters.delete(settle)
        if (waiters.size === 0 && waiting.get(correlationId) === waiters) waiting.delete(correlationId)
        settle(partOf(ctx.state, correlationId))
      }
      const timer = ctx.after(ms, giveUp)
      const { signal } = ctx
      signal.addEventListener('abort', giveUp, { once: true })
      waiting.set(correlationId, waiters.add(settle))
    })
  }

  /** Nobody waits longer than the aggregator is there: its timers end when it begins to stop. */
  const letGo = (ctx: Beside): void => {
    const aftermath = aftermathOf(ctx)
    aftermath.ending = true
    for (const [correlationId, waiters] of aftermath.waiting) {
      for (const tell of waiters) tell(partOf(ctx.state, correlationId))
    }
    aftermath.waiting.clear()
  }

  // turns interleave, since waiting must not hold back what is waited for; every change of state is in one piece
  let definition = agent<AggregatorState>(type, {
    concurrency: 'interleaved',
    description: `gathers ${[...needed.keys()].join(', ')} by correlation id`,
    state: () => ({ open: {}, count: 0, opened: 0 }),
    ...(threads === undefined ? {} : { threads }),
    ...(mailbox === undefined ? {} : { mailbox }),
    ...(checkpoint === undefined ? {} : { checkpoint }),
  })
    .on(WaitFor, waitFor)
    .loop((ctx, stopSignal) => {
      return new Promise(resolve => {
        const end = () => resolve(letGo(ctx))
        stopSignal.addEventListener('abort', end, { once: true })
      })
    })
    .onStop(({ id }) => void aftermaths.delete(id))
  // groups that are restored while nobody sends anything are found by looking now and then
  if (timeout !== undefined) definition = definition.every(timeout, ctx => void aftermathOf(ctx), { immediate: false })
  for (const name of needed.keys()) {
    const event = needs.find(one => one.name === name) as EventType
    definition = definition.on(dispatched(event) as never, take as never)
  }
  return definition as AgentDefinition<unknown, typeof WaitFor>
}

/**
 * The payload of the first event of a type, or undefined if there is none.
 * @example
 * const { events } = await runtime.send(WaitFor, { correlationId: 'hamlet' }, 'combiner/x')
 * console.log(pick(events, Analysed)?.words)
 */
export function pick<E extends EventType>(events: readonly Dispatched[], type: E): ReceivedOf<E> | undefined {
  return events.find(one => one.type === type.name)?.payload as ReceivedOf<E> | undefined
}

function keyOf(correlationId: string): string {
  return `id:${correlationId}`
}

function listOf(follows: FollowUps): readonly FollowUp[] {
  return follows === undefined || follows === null ? [] : ([follows].flat() as FollowUp[])
}

function countsOf(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return counts
}

function countOf(events: readonly Dispatched[], type: string): number {
  return events.reduce((count, one) => count + (one.type === type ? 1 : 0), 0)
}

function partOf({ open }: AggregatorState, correlationId: string): Group {
  return { correlationId, events: [...(open[keyOf(correlationId)]?.[0]?.events ?? [])], complete: false }
}

function oldest({ open }: AggregatorState): OpenGroup | undefined {
  let first: OpenGroup | undefined
  for (const groups of Object.values(open)) {
    for (const group of groups) if (first === undefined || group.number < first.number) first = group
  }
  return first
}

const aggregatorOptions: Readonly<Record<keyof AggregatorOptions, true>> = {
  needs: true,
  combine: true,
  timeout: true,
  capacity: true,
  remember: true,
  threads: true,
  mailbox: true,
  checkpoint: true,
}

function check(type: string, options: AggregatorOptions): void {
  checkKnown(`aggregator '${type}'`, options, aggregatorOptions)
  const { needs, combine, ...numbers } = options
  if (!Array.isArray(needs) || needs.length === 0 || needs.some(one => one?.kind !== 'event')) {
    throw new InvalidArgumentError(`aggregator '${type}': needs must list at least one event type`)
  }
  if (typeof combine !== 'function') {
    throw new InvalidArgumentError(`aggregator '${type}': combine must be a function, got ${typeof combine}`)
  }
  if (numbers.timeout !== undefined) checkMs(`aggregator '${type}': timeout`, numbers.timeout, 1)
  const least = { capacity: 1, remember: 0 } as const
  for (const option of ['capacity', 'remember'] as const) {
    const value = numbers[option]
    if (value !== undefined && !(Number.isInteger(value) && value >= least[option])) {
      throw new InvalidArgumentError(
        `aggregator '${type}': ${option} must be a whole number of at least ${least[option]}, got ${value}`,
      )
    }
  }
}
