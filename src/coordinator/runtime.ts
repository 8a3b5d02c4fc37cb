// The runtime: what the application holds. It checks options, keeps what must outlive a stop (what was registered),
// and otherwise passes on: messages to the calling loop, changes to the coordinator.
import { checkKnown } from '../agent/check.js'
import type { AgentRef, PublishOptions, SendOptions, SendResult } from '../agent/context.js'
import { saidAtOnce } from '../agent/edge.js'
import { InvalidArgumentError, StoppedError, UnknownSubscriptionError } from '../agent/errors.js'
import { type AgentId, agentId, toAgentId } from '../agent/ids.js'
import type { AnswerOf, EventType, MessageType, PayloadOf, RequestType } from '../agent/message.js'
import { setImmediate, setTimeout } from '../base/real-time.js'
import { joinSite, type Site, siteOf } from '../loop/base/sites.js'
import { handleOf, resultOf } from '../loop/cell/handle.js'
import { unwrap } from '../loop/control/orders.js'
import type { Loop } from '../loop/loop.js'
import type { SubscriptionRoute } from '../routing/table.js'
import { type Runs, statefulHandle } from './agent-orders.js'
import type {
  AgentTypeInfo,
  RunOptions,
  Runtime,
  RuntimeStats,
  Snapshot,
  StatefulHandle,
  StopOptions,
  Subscription,
  SubscriptionHandle,
} from './api.js'
import { lookEvery, runOptions, saveLimit, stopOptions } from './arguments.js'
import { Coordinator } from './coordinator.js'
import { LetterBox } from './dead-letters.js'
import { type Machine, realMachine } from './machine.js'
import type { AgentSource, RuntimeOptions } from './options.js'
import { closed, RunState } from './run-state.js'
import { heedSignals } from './signals.js'
import { Snapshots } from './snapshots.js'

/** The part of its time limit that a stop leaves, after a drain that did not end, to turns that heed their signal. */
const LAST_CHANCE = 1 / 10
/** How long what runs may go on in a runtime that failed. */
const FAILED_MS = 1_000

/** A runtime, not yet begun. */
export class LocalRuntime implements Runtime {
  readonly threads: number
  readonly #options: RuntimeOptions
  readonly #machine: Machine
  readonly #sources: { readonly source: AgentSource; readonly subscriptions: boolean }[] = []
  readonly deadLetters: LetterBox
  #coordinator: Coordinator
  #snapshots: Snapshots
  readonly #state = new RunState()
  #starting: Promise<void> | undefined
  #stopping: Promise<void> | undefined
  /** Who waits in `run()` is handed the end. */
  #runs: ((ended: Promise<void>) => void)[] = []

  constructor(options: RuntimeOptions, threads: number, machine: Machine = realMachine) {
    this.#options = options
    this.#machine = machine
    this.threads = threads
    const replayer = {
      send: (message: RequestType, payload: unknown, recipient: string, messageId: string) =>
        this.#coordinator.host.outgoing.send(undefined, message, payload, recipient, { messageId }),
      publish: (message: EventType, payload: unknown, topic: string, messageId: string) =>
        this.#coordinator.host.outgoing.publish(undefined, message, payload, { topic, messageId }),
    }
    this.deadLetters = new LetterBox(replayer, options.deadLetters)
    this.#coordinator = this.#newRun(options.autoStart === false)
    this.#snapshots = new Snapshots(this.#coordinator, this.#state, this.#machine.eventLoop)
  }

  #newRun(paused: boolean): Coordinator {
    const run = new Coordinator(this.#options, this.threads, paused, this.deadLetters, this.#machine)
    this.#state.ownEnd = undefined
    run.ownEnding.onEnds = (end, failed) => {
      this.#state.ownEnd = end
      this.stop(failed ? { drain: false, timeout: FAILED_MS } : {}).catch(() => {}) // run() tells it
    }
    return run
  }

  /** @param site who asked for it */
  async begin(site?: Site): Promise<void> {
    const sources = this.#options.agents ?? []
    const starts = this.#options.autoStart !== false
    if (starts) this.#state.to('start')
    try {
      await this.#coordinator.start(sources, undefined)
      if (this.#state.now === 'starting') this.#state.to('started')
      else if (starts) throw this.#coordinator.host.admission.reason // it failed meanwhile, and is being stopped
    } catch (error) {
      await this.#coordinator.stop(100)
      if (this.#state.now === 'starting') this.#state.to('failed')
      joinSite(error, 'createRuntime', site)
      throw error
    }
    for (const source of sources) this.#sources.push({ source, subscriptions: true })
  }

  /** The calling loop of the present run. */
  get host(): Loop {
    return this.#coordinator.host
  }

  get running(): boolean {
    return this.#state.running && this.#coordinator.able
  }

  send<M extends RequestType>(
    message: M,
    payload: PayloadOf<M>,
    recipient: AgentId | string,
    options?: SendOptions,
  ): Promise<AnswerOf<M>> {
    return this.#coordinator.host.outgoing.send(undefined, message, payload, recipient, options) as Promise<AnswerOf<M>>
  }

  trySend<M extends RequestType>(
    message: M,
    payload: PayloadOf<M>,
    recipient: AgentId | string,
    options?: SendOptions,
  ): Promise<SendResult<AnswerOf<M>>> {
    return resultOf(this.send(message, payload, recipient, options))
  }

  publish<M extends EventType>(message: M, payload: PayloadOf<M>, options?: PublishOptions): Promise<void> {
    return this.#coordinator.host.outgoing.publish(undefined, message, payload, options)
  }

  handle<H extends MessageType>(agent: AgentRef<H>, key?: string): StatefulHandle<H> {
    const runs: Runs = {
      run: () => this.#coordinator,
      stopping: () => this.#stopping,
      running: () => this.running,
      eventLoop: this.#machine.eventLoop,
    }
    return statefulHandle(runs, handleOf<H>(this, agent.type, key, agentId))
  }

  async register(source: AgentSource, options: { readonly subscriptions?: boolean } = {}): Promise<readonly string[]> {
    this.#state.checkAlive()
    checkKnown('register()', options, { subscriptions: true })
    const site = siteOf(this.register)
    const subscriptions = options.subscriptions ?? true
    const run = this.#coordinator
    const types = await this.#snapshots
      .behindSends(() => run.register(source, subscriptions))
      .then(found => {
        if (run === this.#coordinator) return found
        throw new StoppedError(run.host.admission.reason.message) // it was started again meanwhile, without these
      })
      .catch(error => {
        joinSite(error, 'register', site)
        throw error
      })
    this.#sources.push({ source, subscriptions })
    return types
  }

  async subscribe(subscription: Subscription): Promise<SubscriptionHandle> {
    this.#state.checkAlive()
    const run = this.#coordinator
    const id = await this.#snapshots.behindSends(() => run.subscribe(subscription))
    const route = run.registry.subscription(id)
    return {
      id,
      unsubscribe: async () => {
        this.#state.checkAlive()
        if (this.#hasSubscription(id, route)) return this.unsubscribe(id)
        throw new UnknownSubscriptionError(`subscription '${id}' is gone; one that has its id now is another`)
      },
      [Symbol.asyncDispose]: () => this.#letSubscriptionGo(id, route),
    }
  }

  /** Whatever has become of it: another one may have its id by now, and a runtime that has stopped may be started again. */
  async #letSubscriptionGo(id: string, route: SubscriptionRoute | undefined): Promise<void> {
    await this.#starting?.catch(() => {}) // who starts it is told
    if (!this.#hasSubscription(id, route)) return
    try {
      if (!this.#state.over) return await this.unsubscribe(id)
    } catch (error) {
      if (!(error instanceof StoppedError || error instanceof UnknownSubscriptionError)) throw error
    }
    if (this.#hasSubscription(id, route)) this.#coordinator.registry.unsubscribe(id)
  }

  #hasSubscription(id: string, route: SubscriptionRoute | undefined): boolean {
    return route !== undefined && this.#coordinator.registry.subscription(id) === route
  }

  async unsubscribe(id: string): Promise<void> {
    this.#state.checkAlive()
    const run = this.#coordinator
    await this.#snapshots.behindSends(() => run.unsubscribe(id))
  }

  async get(agent: AgentId | string, options: { readonly lazy?: boolean } = {}): Promise<AgentId> {
    this.#state.checkAlive()
    checkKnown('get()', options, { lazy: true })
    const id = typeof agent === 'string' && !agent.includes('/') ? agentId(agent) : toAgentId(agent)
    await this.#coordinator.loopOf(id)
    if (options.lazy === false) unwrap(await this.#coordinator.order(id, control => control.ensure(id.toString())))
    return id
  }

  agents(): readonly AgentTypeInfo[] {
    const gone = new Set(this.#coordinator.givenUp.map(({ thread }) => thread))
    return [...this.#coordinator.registry.types.values()].map(one => ({
      type: one.type,
      description: one.description,
      messages: one.messages,
      subscriptions: one.subscriptions,
      concurrency: one.concurrency,
      deadline: one.deadline,
      version: one.version,
      failed: this.#coordinator.registry.failed(one.type),
      loops: one.loops.filter(loop => !gone.has(loop)),
    }))
  }

  async idle(): Promise<void> {
    this.#state.checkAlive()
    await this.#coordinator.whenAllIdle()
    this.#throwUnhandled([])
  }

  async saveState(options?: { readonly timeout?: number }): Promise<Snapshot> {
    this.#state.checkAlive()
    return this.#snapshots.save(saveLimit('saveState()', options))
  }

  async loadState(snapshot: Snapshot, options?: { readonly timeout?: number }): Promise<void> {
    this.#state.checkAlive()
    await this.#snapshots.load(snapshot, saveLimit('loadState()', options))
  }

  start(): Promise<void> {
    this.#starting ??= this.#start().finally(() => {
      this.#starting = undefined
    })
    return this.#starting
  }

  async #start(): Promise<void> {
    if (this.running) throw new InvalidArgumentError('the runtime is running already')
    if (this.#state.running) await this.stop({ drain: false }) // every thread was given up
    // no wait where there is nothing to wait for: what is sent from now on waits at the gate of the new run
    if (this.#stopping !== undefined) await this.#stopping.catch(() => {}) // who stops it is told
    if (this.#state.now === 'closed') throw closed()
    const first = this.#state.now === 'new'
    this.#state.to('start')
    if (first) this.#coordinator.resume()
    else await this.#startAgain()
    this.#state.to('started')
  }

  async #startAgain(): Promise<void> {
    const before = this.#coordinator.registry.subscriptions
    this.#coordinator = this.#newRun(false)
    const { admission } = this.#coordinator.host
    admission.close() // what is sent meanwhile waits until it is known who is there
    this.#snapshots = new Snapshots(this.#coordinator, this.#state, this.#machine.eventLoop)
    try {
      const sources = this.#sources.map(({ source }) => source)
      await this.#coordinator.start(sources, before)
      admission.open()
    } catch (error) {
      this.#coordinator.registry.restore(before) // for the next start, which asks the run before it
      await this.#coordinator.stop(100)
      this.#state.to('failed')
      throw error
    }
  }

  async run(given?: RunOptions): Promise<void> {
    const { signals, ...options } = runOptions(given)
    if (!this.running && this.#state.ownEnd?.told !== false) await this.start()
    const run = this.#coordinator
    const ended = this.#state.running
      ? new Promise<void>(resolve => this.#runs.push(resolve))
      : Promise.resolve(this.#stopping) // by itself: nobody was told yet
    try {
      await heedSignals(signals, ended, () => {
        this.#stop(options).catch(() => {}) // it is in `ended` too
      })
    } finally {
      run.ownEnding.tell()
    }
  }

  async stop(given?: StopOptions): Promise<void> {
    return this.#stop(stopOptions('stop()', given))
  }

  #stop(options: Required<StopOptions>): Promise<void> {
    const started = this.#starting?.catch(() => {}) // who starts it is told
    if (started !== undefined) return started.then(() => this.#stop(options))
    if (this.#state.over) return Promise.resolve()
    this.#stopping ??= this.#end(options).finally(() => {
      this.#stopping = undefined
    })
    for (const tell of this.#runs.splice(0)) tell(this.#stopping)
    return this.#stopping
  }

  async stopWhenIdle(): Promise<void> {
    this.#state.checkAlive()
    await this.#coordinator.whenAllIdle()
    await this.stop()
  }

  async stopWhen(condition: () => boolean, options?: { readonly every?: number }): Promise<void> {
    this.#state.checkAlive()
    const every = lookEvery(condition, options)
    const run = this.#coordinator
    const goesOn = (): boolean => run === this.#coordinator && (this.running || this.#state.now === 'new')
    while (goesOn() && !saidAtOnce('stopWhen(): its condition', condition())) {
      await new Promise(resolve => setTimeout(resolve, every))
    }
    if (run === this.#coordinator) await this.stop({ drain: false })
  }

  async close(given?: StopOptions): Promise<void> {
    const options = stopOptions('close()', given)
    let failed: { readonly error: unknown } | undefined
    do {
      await this.#stop(options).catch(error => {
        failed ??= { error }
      })
    } while (!this.#state.over) // who waited for the stop too has started it again
    this.#state.to('close')
    if (this.#state.ownEnd === undefined) this.#coordinator.host.admission.failWith(closed())
    if (failed !== undefined) throw (failed as { readonly error: unknown }).error
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async processNext(): Promise<boolean> {
    if (this.threads > 0 || this.#state.now !== 'new') {
      throw new InvalidArgumentError(
        'processNext() steps a single loop that was made with autoStart: false and not started',
      )
    }
    const { work } = this.#coordinator.host
    const begun = work.chunk(1) > 0
    if (begun) work.show()
    await new Promise(resolve => setImmediate(resolve))
    this.#throwUnhandled([])
    return begun
  }

  get unprocessedMessages(): number {
    return this.stats().unprocessed
  }

  stats(): RuntimeStats {
    const { onTheWay } = this.#coordinator // before the queues are looked at: what has arrived by then is in one
    const loops = this.#coordinator.stats()
    const { zombies, recycler } = this.#coordinator
    const unprocessed = loops.reduce((sum, loop) => sum + loop.queued, onTheWay)
    return { loops, unprocessed, zombies, givenUp: this.#coordinator.givenUp, recycled: recycler.recycled }
  }

  async #end({ drain, timeout }: Required<StopOptions>): Promise<void> {
    const coordinator = this.#coordinator
    const drained =
      drain && this.#state.running ? this.#snapshots.behindSends(async () => coordinator.drain()) : undefined
    this.#state.to('stop')
    const failures: unknown[] = []
    let inTime = true
    try {
      if (drained === undefined) coordinator.drain()
      else {
        const rested = drained
          .then(() => coordinator.rest())
          .then(() => coordinator.whenIdle())
          .then(() => coordinator.farewell(failures))
        // what has not ended in all that time is told so, and has no such time again
        inTime = await coordinator.slowStop.drained(timeout, rested)
      }
    } finally {
      const settle = inTime ? timeout : timeout * LAST_CHANCE
      failures.push(...(await coordinator.stop(inTime ? timeout : timeout - settle, settle)))
      this.#state.to('stopped')
    }
    this.#throwUnhandled(failures)
  }

  #throwUnhandled(more: readonly unknown[]): void {
    if (this.#options.unhandledErrors !== 'throw') return
    const error = this.#coordinator.unhandled.take(more)
    if (error !== undefined) throw error
  }
}
