// The runtime: what the application holds. It checks options, keeps what must outlive a stop (what was registered),
// and otherwise passes on: messages to the calling loop, changes to the coordinator.
import type { AgentRef, PublishOptions, SendOptions, SendResult } from '../agent/context.js'
import { InvalidArgumentError, StateError, StoppedError, ThreadLostError, TimeoutError } from '../agent/errors.js'
import { type AgentId, agentId, toAgentId } from '../agent/ids.js'
import type { AnswerOf, EventType, MessageType, PayloadOf, RequestType } from '../agent/message.js'
import { within } from '../loop/base/event-loop.js'
import { joinSite, type Site, siteOf } from '../loop/base/sites.js'
import { handleOf, resultOf } from '../loop/cell/handle.js'
import { type Orders, type SavedState, unwrap } from '../loop/control/orders.js'
import type { Loop } from '../loop/loop.js'
import type {
  AgentSource,
  AgentTypeInfo,
  RunOptions,
  Runtime,
  RuntimeOptions,
  RuntimeStats,
  Snapshot,
  StatefulHandle,
  StopOptions,
  Subscription,
  SubscriptionHandle,
} from './api.js'
import { Coordinator } from './coordinator.js'
import { LetterBox } from './dead-letters.js'
import { type Machine, realMachine } from './machine.js'
import type { LoopHandle } from './mesh.js'

const STOP_MS = 5_000
const SAVE_MS = 30_000
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
  #state: 'new' | 'running' | 'stopping' | 'stopped' | 'closed' = 'new'
  #starting: Promise<void> | undefined
  #stopping: Promise<void> | undefined
  #failure: string | undefined
  /** When nobody saves or loads state any more. */
  #quiet: Promise<void> = Promise.resolve()
  /** Who waits in `run()` is handed the end. */
  #runs: ((ended: Promise<void>) => void)[] = []
  /** What an agent threw that ended the runtime. */
  #fatal: { readonly error: unknown } | undefined

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
    this.deadLetters = new LetterBox(replayer, options.deadLetters?.capacity)
    this.#coordinator = this.#newRun(options.autoStart === false)
  }

  #newRun(paused: boolean): Coordinator {
    const run = new Coordinator(this.#options, this.threads, paused, this.deadLetters, this.#machine)
    this.#failure = undefined
    this.#fatal = undefined
    run.onFailed = why => {
      this.#failure = why
      void this.stop({ drain: false, timeout: FAILED_MS }).catch(() => {}) // told of in the event log
    }
    run.onStop = error => {
      this.#fatal ??= { error }
      this.stop().catch(() => {}) // run() tells it
    }
    return run
  }

  /** @param site who asked for it */
  async begin(site?: Site): Promise<void> {
    const sources = this.#options.agents ?? []
    try {
      await this.#coordinator.start(sources, undefined)
    } catch (error) {
      await this.#coordinator.stop(100)
      throw joinSite(error, 'createRuntime', site)
    }
    for (const source of sources) this.#sources.push({ source, subscriptions: true })
    if (this.#options.autoStart !== false) this.#state = 'running'
  }

  /** The calling loop of the present run. */
  get host(): Loop {
    return this.#coordinator.host
  }

  get running(): boolean {
    return this.#state === 'running'
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
    const handle = handleOf<H>(this, agent.type, key, agentId)
    const text = handle.id.toString()
    return {
      ...handle,
      saveState: async () => {
        const saved = unwrap(await this.#order(handle.id, control => control.save(text)))
        return saved[0]?.state
      },
      loadState: async state => {
        const version = this.#coordinator.registry.types.get(handle.id.type)?.version ?? 1
        unwrap(await this.#order(handle.id, control => control.restore([{ agent: text, version, state }])))
      },
      stop: options => this.#stopAgent(handle.id, options),
      pause: () => this.#order(handle.id, control => control.pauseAgent(text)),
      resume: () => this.#order(handle.id, control => control.resumeAgent(text)),
    }
  }

  async #stopAgent(id: AgentId, { drain = true, timeout = STOP_MS }: StopOptions = {}): Promise<void> {
    const text = id.toString()
    try {
      if (drain) {
        const stopped = this.#coordinator.host.outgoing.stop(id) // at once: in order with what was sent before and after
        stopped.catch(() => {})
        await this.#order(id, control => control.resumeAgent(text)) // or what waits would wait for ever
        if (await within(this.#machine.eventLoop, timeout, stopped)) return
      }
      await this.#coordinator.undisturbed(() => this.#coordinator.dropAgent(id, timeout))
    } catch (error) {
      const gone = error instanceof StoppedError || error instanceof ThreadLostError
      if (this.#state === 'running' || !gone) throw error
      await this.#stopping // it stops with all the others, or has
    }
  }

  async register(source: AgentSource, options: { readonly subscriptions?: boolean } = {}): Promise<readonly string[]> {
    this.#checkAlive()
    const site = siteOf(this.register)
    const subscriptions = options.subscriptions ?? true
    const types = await this.#behindSends(() => this.#coordinator.register(source, subscriptions)).catch(error => {
      throw joinSite(error, 'register', site)
    })
    this.#sources.push({ source, subscriptions })
    return types
  }

  async subscribe(subscription: Subscription): Promise<SubscriptionHandle> {
    this.#checkAlive()
    const id = await this.#behindSends(() => this.#coordinator.subscribe(subscription))
    const unsubscribe = () => this.unsubscribe(id)
    return { id, unsubscribe, [Symbol.asyncDispose]: unsubscribe }
  }

  async unsubscribe(id: string): Promise<void> {
    this.#checkAlive()
    await this.#behindSends(() => this.#coordinator.unsubscribe(id))
  }

  async get(agent: AgentId | string, options: { readonly lazy?: boolean } = {}): Promise<AgentId> {
    this.#checkAlive()
    const id = typeof agent === 'string' && !agent.includes('/') ? agentId(agent) : toAgentId(agent)
    await this.#loopOf(id)
    if (options.lazy === false) unwrap(await this.#order(id, control => control.ensure(id.toString())))
    return id
  }

  agents(): readonly AgentTypeInfo[] {
    return [...this.#coordinator.registry.types.values()].map(one => ({
      type: one.type,
      description: one.description,
      messages: one.messages,
      subscriptions: one.subscriptions,
      concurrency: one.concurrency,
      deadline: one.deadline,
      version: one.version,
      failed: this.#coordinator.registry.failed(one.type),
      loops: one.loops,
    }))
  }

  async idle(): Promise<void> {
    this.#checkAlive()
    await this.#coordinator.whenIdle()
    this.#throwUnhandled([])
  }

  async saveState(options: { readonly timeout?: number } = {}): Promise<Snapshot> {
    this.#checkAlive()
    const timeout = options.timeout ?? SAVE_MS
    return await this.#quietly(timeout, async () => {
      const { registry, loops } = this.#coordinator // only now: a loop may have been replaced meanwhile
      const all = await Promise.all(loops.map(loop => loop.order(control => control.save())))
      const saved = all.flatMap(unwrap).sort((a, b) => (a.agent < b.agent ? -1 : 1))
      const types: Record<string, number> = {}
      const states: Record<string, unknown> = {}
      for (const { agent, state } of saved) {
        const { type } = toAgentId(agent)
        types[type] = registry.types.get(type)?.version ?? 1
        states[agent] = state
      }
      return { version: 1, types, ...states } as Snapshot
    })
  }

  async loadState(snapshot: Snapshot): Promise<void> {
    this.#checkAlive()
    const all = readSnapshot(snapshot)
    const { types } = this.#coordinator.registry
    for (const { agent } of all) {
      const { type } = toAgentId(agent)
      if (types.has(type)) continue
      throw new StateError(`the snapshot has ${agent}, and no agent type '${type}' is registered`, { agent })
    }
    await this.#quietly(SAVE_MS, async () => {
      const byLoop = new Map<LoopHandle, SavedState[]>()
      for (const saved of all) {
        const loop = await this.#loopOf(toAgentId(saved.agent))
        const states = byLoop.get(loop)
        if (states === undefined) byLoop.set(loop, [saved])
        else states.push(saved)
      }
      const parts = [...byLoop]
      for (const checked of await Promise.all(
        parts.map(([loop, states]) => loop.order(control => control.check(states))),
      ))
        unwrap(checked)
      for (const done of await Promise.all(
        parts.map(([loop, states]) => loop.order(control => control.restore(states))),
      ))
        unwrap(done)
    })
  }

  start(): Promise<void> {
    this.#starting ??= this.#start().finally(() => {
      this.#starting = undefined
    })
    return this.#starting
  }

  async #start(): Promise<void> {
    if (this.#state === 'running') throw new InvalidArgumentError('the runtime is running already')
    await this.#stopping?.catch(() => {}) // who stops it is told
    if (this.#state === 'closed') throw closed()
    if (this.#state === 'new') this.#coordinator.resume()
    else {
      const before = this.#coordinator.registry.subscriptions
      this.#coordinator = this.#newRun(false)
      try {
        await this.#coordinator.start(
          this.#sources.map(({ source }) => source),
          before,
        )
      } catch (error) {
        await this.#coordinator.stop(100)
        throw error
      }
    }
    this.#state = 'running'
  }

  async run({ signals = ['SIGINT', 'SIGTERM'], ...options }: RunOptions = {}): Promise<void> {
    if (this.#state !== 'running') await this.start()
    const ended = new Promise<void>(resolve => this.#runs.push(resolve))
    const alive = setInterval(() => {}, 2 ** 30) // signals alone do not keep a process
    const asked = (signal: NodeJS.Signals): void => {
      if (this.#state === 'running') {
        this.stop(options).catch(() => {}) // it is in `ended` too
        return
      }
      unlisten()
      process.kill(process.pid, signal) // not ours any more: whatever it does by default
    }
    const unlisten = (): void => {
      for (const signal of signals) process.off(signal, asked)
    }
    for (const signal of signals) process.on(signal, asked)
    try {
      await ended
    } finally {
      clearInterval(alive)
      unlisten()
    }
    const fatal = this.#fatal as { readonly error: unknown } | undefined
    if (fatal !== undefined) throw fatal.error
  }

  stop(options: StopOptions = {}): Promise<void> {
    if (this.#starting !== undefined) {
      const started = this.#starting.catch(() => {}) // who starts it is told
      return started.then(() => this.stop(options))
    }
    if (this.#state === 'stopped' || this.#state === 'closed') return Promise.resolve()
    this.#stopping ??= this.#end(options).finally(() => {
      this.#stopping = undefined
    })
    for (const tell of this.#runs.splice(0)) tell(this.#stopping)
    return this.#stopping
  }

  async stopWhenIdle(): Promise<void> {
    this.#checkAlive()
    await this.#coordinator.whenIdle()
    await this.stop()
  }

  async stopWhen(condition: () => boolean, options: { readonly every?: number } = {}): Promise<void> {
    this.#checkAlive()
    while (this.#state === 'running' && !condition()) {
      await new Promise(resolve => setTimeout(resolve, options.every ?? 10))
    }
    await this.stop({ drain: false })
  }

  async close(options: StopOptions = {}): Promise<void> {
    try {
      await this.stop(options)
    } finally {
      this.#state = 'closed'
      if (this.#failure === undefined) this.#coordinator.host.admission.failWith(closed())
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async processNext(): Promise<boolean> {
    if (this.threads > 0 || this.#state !== 'new') {
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
    const loops = this.#coordinator.stats()
    const { zombies, recycled } = this.#coordinator
    const unprocessed = loops.reduce((sum, loop) => sum + loop.queued, 0)
    return { loops, unprocessed, zombies, recycled }
  }

  async #end({ drain = true, timeout = STOP_MS }: StopOptions): Promise<void> {
    const coordinator = this.#coordinator
    const drains = drain && this.#state === 'running'
    const drained = drains ? this.#behindSends(async () => coordinator.drain()) : undefined
    this.#state = 'stopping'
    if (drained === undefined) coordinator.drain()
    else {
      await within(
        this.#machine.eventLoop,
        timeout,
        drained.then(() => coordinator.rest()).then(() => coordinator.whenIdle()),
      )
    }
    const failures = await coordinator.stop(timeout)
    this.#state = 'stopped'
    this.#throwUnhandled(failures)
  }

  /** Begins with `work` at once, or behind the sends that are held back now: they come first. */
  #behindSends<T>(work: () => Promise<T>): Promise<T> {
    const { admission } = this.#coordinator.host
    return this.#state === 'running' && admission.held ? admission.hold(work) : work()
  }

  /** Runs `work` with the application's sends held back and nothing under way. @throws TimeoutError */
  async #quietly<T>(timeout: number, work: () => Promise<T>): Promise<T> {
    const { host } = this.#coordinator
    const before = this.#quiet
    let end!: () => void
    this.#quiet = new Promise(resolve => {
      end = resolve
    })
    await this.#behindSends(async () => host.admission.close())
    try {
      await before
      if (
        this.#state === 'running' &&
        !(await within(this.#machine.eventLoop, timeout, this.#coordinator.whenIdle()))
      ) {
        throw new TimeoutError(
          `the agents were still busy after ${timeout} ms; state is saved and loaded only when nothing is under way`,
        )
      }
      return await this.#coordinator.undisturbed(() => {
        // agents that stop are on no loop any more: a snapshot without them would look like one of an empty runtime
        if (this.#state !== 'running' && this.#state !== 'new') throw new StoppedError('the runtime was stopped')
        return work()
      })
    } finally {
      host.admission.open()
      end()
    }
  }

  /** An order to the loop of an agent, which does not move meanwhile. */
  #order<T>(id: AgentId, work: (control: Orders) => Promise<T> | T): Promise<T> {
    return this.#coordinator.undisturbed(async () => (await this.#loopOf(id)).order(work))
  }

  #loopOf(id: AgentId): Promise<LoopHandle> {
    return this.#coordinator.loopOf(id)
  }

  #checkAlive(): void {
    if (this.#state === 'stopped' || this.#state === 'closed')
      throw new StoppedError(
        `the runtime is ${this.#state}${this.#failure === undefined ? '' : `, because it failed: ${this.#failure}`}`,
      )
  }

  #throwUnhandled(more: readonly unknown[]): void {
    if (this.#options.unhandledErrors !== 'throw') return
    const errors = [...this.#coordinator.takeUnhandled(), ...more]
    if (errors.length === 0) return
    const reasons = errors.map(error => (error instanceof Error ? error.message : String(error))).join('; ')
    throw new AggregateError(errors, `${errors.length} errors that nobody waited for: ${reasons}`)
  }
}

function closed(): StoppedError {
  return new StoppedError('the runtime is closed; make a new one')
}

function readSnapshot(snapshot: Snapshot): SavedState[] {
  if (typeof snapshot !== 'object' || snapshot === null)
    throw new StateError('a snapshot is an object, as saveState() returns it')
  if (snapshot.version !== 1)
    throw new StateError(`a snapshot of version ${String(snapshot.version)} is not known here; this is version 1`)
  const { types } = snapshot
  return Object.entries(snapshot)
    .filter(([key]) => key.includes('/'))
    .map(([agent, state]) => ({ agent, state, version: types?.[toAgentId(agent).type] ?? 1 }))
}
