// The coordinator: agent types, subscriptions, placement, and the lives of the threads. It lives where the runtime was
// made. Messages between threads never pass here; what passes here are changes, and the news that a thread is gone.
import { shown } from '../agent/check.js'
import { type AnyAgent, isAgent } from '../agent/definition.js'
import {
  AlreadyExistsError,
  InvalidArgumentError,
  ModuleError,
  RingreeveError,
  StoppedError,
  ThreadLostError,
  textOf,
} from '../agent/errors.js'
import { type AgentId, toAgentId } from '../agent/ids.js'
import { type Interceptor, isInterceptor } from '../agent/interceptor.js'
import { type AgentDescription, LoopControl, unwrap } from '../loop/control.js'
import { within } from '../loop/event-loop.js'
import { Loop, type LoopOptions, type Report } from '../loop/loop.js'
import type { LogEntry } from '../observe/log.js'
import type { SubscriptionRoute } from '../routing/table.js'
import { CancelFlags } from '../sync/cancel.js'
import { House, type LoopStats, Status } from '../sync/status.js'
import type { AgentSource, RuntimeOptions, Subscription } from './api.js'
import type { LetterBox } from './dead-letters.js'
import type { Ending, Executor } from './executor.js'
import { IdleWatch } from './idle.js'
import { Keeper } from './keeper.js'
import type { Machine } from './machine.js'
import { HostHandle, type LoopHandle, Mesh, ThreadHandle } from './mesh.js'
import { Recycler } from './recycler.js'
import { AN_OBJECT, Registry } from './registry.js'
import { stackOf } from './stack.js'
import { Supervisor, type Verdict } from './supervisor.js'
import { type TooLong, Watchdog } from './watchdog.js'

/** How long a new life waits for others to let go of the memory of the one before, which it can then have. */
const LET_GO_MS = 50
const DEFAULT_RING = 256 * 1024
/** From 0.8 on V8 gives a heap up when collections in a row free little. */
const RECYCLE_AT = 0.7

/** One run of a runtime, from start to stop. */
export class Coordinator {
  readonly host: Loop
  readonly house: House
  readonly registry: Registry
  readonly idle: IdleWatch
  /** Told when the run cannot go on. */
  onFailed: ((why: string) => void) | undefined
  /** Called when an agent's own loop or timer failed and that is to end the runtime. */
  onStop: ((error: unknown) => void) | undefined
  readonly #options: RuntimeOptions & { readonly maxZombies: number }
  readonly #threads: number
  /** What all loops are told. */
  readonly #shared: Pick<LoopOptions, 'loops' | 'wait' | 'log' | 'unhandled' | 'unheard' | 'recycleAt'>
  readonly #control: LoopControl
  readonly #mesh: Mesh
  readonly #machine: Machine
  #pool: Executor | undefined
  readonly #watchdog: Watchdog
  readonly #modules: string[] = []
  readonly #interceptors: string[] = []
  readonly #supervisor: Supervisor
  readonly recycler: Recycler
  readonly #keeper = new Keeper()
  readonly #letters: LetterBox
  /** Ends of threads with something still to be done: the next life is to begin, or another loop has not heard of it. */
  #replacing = 0
  /** By loop: its thread ended, and the next life is there or could not begin. */
  readonly #replacements = new Map<number, Promise<void>>()
  /** The last lives of loops that do not begin again, and why: lives that begin later must know. */
  readonly #givenUp: { readonly index: number; readonly life: number; readonly why: string }[] = []
  #ending = false
  /** Ends of waits, for when the runtime stops. */
  readonly #waits = new Set<() => void>()
  #paused: boolean
  /** Errors that nobody waited for, with `unhandledErrors: 'throw'`. */
  #unhandled: unknown[] = []

  constructor(options: RuntimeOptions, threads: number, paused: boolean, letters: LetterBox, machine: Machine) {
    this.#machine = machine
    this.house = new House(undefined, undefined, machine.steady)
    this.#letters = letters
    this.#options = { ...options, maxZombies: options.maxZombies ?? Math.max(2, threads) }
    this.#threads = threads
    this.#paused = paused
    this.registry = new Registry(threads)
    this.#mesh = new Mesh(options.ringBytes ?? DEFAULT_RING, machine.channel)
    const status = new Status()
    const flags = new CancelFlags()
    const shared = {
      loops: threads + 1,
      wait: options.wait ?? 'poll',
      log: options.log !== undefined,
      unhandled: options.unhandledErrors === 'throw',
      unheard: options.deadLetters?.unheardEvents === true,
      recycleAt: options.recycleAt ?? (options.resourceLimits?.maxOldGenerationSizeMb === undefined ? 0 : RECYCLE_AT),
    }
    this.host = new Loop({
      ...shared,
      index: 0,
      life: 0,
      paused,
      house: this.house,
      status,
      flags,
      clock: options.clock,
      eventLoop: machine.eventLoop,
    })
    this.host.onReport = report => this.#take(report)
    this.#control = new LoopControl(this.host)
    this.idle = new IdleWatch(this.house, () => ({
      statuses: this.#mesh.loops.map(loop => loop.status),
      rings: this.#mesh.gauges,
      settled: this.#replacing === 0 && !this.recycler.busy,
    }))
    this.host.onQuiet = () => this.idle.look()
    // a paused single loop queues in its mailboxes, where processNext() finds it; threads would not wait
    if (paused && threads > 0) this.host.gate.close()
    void this.#mesh.join(new HostHandle(this.#control, status, flags), () => {}) // the first: there is nobody to refuse it
    this.#watchdog = new Watchdog(this.house, machine.eventLoop, slow => void this.#tellSlow(slow))
    this.#supervisor = new Supervisor(options.restarts, () => this.house.now(), machine.random)
    this.recycler = new Recycler({
      mesh: this.#mesh,
      observer: this.host.observer,
      now: () => this.house.now(),
      channel: machine.channel,
      replaced: async index => this.#replacements.get(index),
      charge: index => this.#judge(index, undefined, ''),
      settled: () => this.idle.look(),
    })
    this.#shared = shared
  }

  /** Starts the threads and registers everything. @param before subscriptions of the run before, if there was one */
  async start(sources: readonly AgentSource[], before: readonly SubscriptionRoute[] | undefined): Promise<void> {
    this.#check(sources) // before any thread is started in vain
    for (const one of this.#options.interceptors ?? []) {
      if (isInterceptor(one)) this.#chainOnHost(one)
      else this.#interceptors.push(moduleUrl(one as URL | string, 'interceptors'))
    }
    if (this.#threads > 0) {
      const task = { ...this.#shared, paused: false, house: { memory: this.house.memory, built: this.house.built } }
      const { resourceLimits } = this.#options
      this.#pool = this.#machine.executor({ threads: this.#threads, resourceLimits, task })
    }
    if (this.#interceptors.length > 0) unwrap(await this.#control.intercept(this.#interceptors))
    await Promise.all(Array.from({ length: this.#threads }, (_, i) => this.#begin(i + 1)))
    for (const source of sources) await this.#add(source, before === undefined)
    if (before !== undefined) this.registry.restore(before)
    await this.#route()
    if (!this.#paused) this.resume()
  }

  resume(): void {
    if (this.#paused && this.#threads > 0) this.host.gate.open()
    this.#paused = false
    this.host.scheduler.resume()
  }

  /** @returns the types that were added */
  async register(source: AgentSource, withSubscriptions: boolean): Promise<string[]> {
    const types = await this.recycler.undisturbed(() => this.#add(source, withSubscriptions))
    await this.#route()
    return types
  }

  async subscribe(subscription: Subscription): Promise<string> {
    const id = this.registry.subscribe(subscription)
    await this.#route()
    return id
  }

  async unsubscribe(id: string): Promise<void> {
    this.registry.unsubscribe(id)
    await this.#route()
  }

  /** The loop that hosts an agent; while its thread is replaced, once that is done. @throws UnknownAgentError, ThreadLostError, StoppedError */
  async loopOf(id: AgentId): Promise<LoopHandle> {
    const address = this.host.address(id)
    if (address.loop < 0) throw this.host.nowhere(address)
    for (;;) {
      const loop = this.#mesh.get(address.loop)
      if (loop !== undefined) return loop
      if (this.#ending) throw this.host.stopReason()
      if (this.host.isGone(address.loop)) {
        const why = `thread ${address.loop}, where ${address.text} lives, ended too often and was given up`
        throw new ThreadLostError(why, false, { thread: address.loop, agent: address.text }, true)
      }
      await this.#replacements.get(address.loop)
    }
  }

  get loops(): readonly LoopHandle[] {
    return this.#mesh.loops
  }

  stats(): LoopStats[] {
    this.host.show()
    return Array.from({ length: this.#threads + 1 }, (_, index) => {
      const loop = this.#mesh.get(index)
      return (loop?.status ?? new Status()).stats(index, loop !== undefined)
    })
  }

  /** Takes the errors that nobody waited for. */
  takeUnhandled(): unknown[] {
    return this.#unhandled.splice(0)
  }

  /** Waits until nothing is under way. */
  async whenIdle(): Promise<void> {
    this.host.show()
    await this.idle.wait()
  }

  /** Ends everything. Never throws, never waits longer than the time limits. @returns what `onStop` hooks threw */
  async stop(ms: number): Promise<unknown[]> {
    this.#ending = true
    for (const end of this.#waits) end()
    this.house.stopping = true
    this.#watchdog.stop()
    this.recycler.stop()
    const stops = this.#mesh.loops.map(loop => this.#stopLoop(loop, ms))
    this.host.gate.give()
    const failures = (await Promise.all(stops)).flat()
    await this.#pool?.destroy()
    this.host.end()
    this.idle.end()
    this.#mesh.release(this.#mesh.get(0) as LoopHandle)
    return failures
  }

  /** From now on the application may not send; turns may. */
  drain(): void {
    this.host.drain()
  }

  /** Stops what agents do of themselves, and resumes those that are paused. */
  async rest(): Promise<void> {
    await this.#everywhere(loop => loop.order(control => control.rest()))
  }

  async #stopLoop(loop: LoopHandle, ms: number): Promise<unknown[]> {
    if (!(loop instanceof ThreadHandle)) return this.host.stop(ms)
    const { thread } = loop
    const timeout = this.#machine.eventLoop.after(ms * 2 + 500, () => thread.kill('it did not stop in time'))
    try {
      const failures = await loop.order(control => control.stop(ms))
      await loop.order(control => control.end())
      await thread.ended
      return failures.flatMap(wire => unwrap({ error: wire }))
    } catch (error) {
      return error instanceof RingreeveError ? [] : [error]
    } finally {
      timeout.close()
    }
  }

  // ---- registering ------------------------------------------------------------------------------------------------

  #check(sources: readonly AgentSource[]): void {
    const urls = sources.filter(source => !isAgent(source)).map(source => moduleUrl(source as URL | string, 'agents'))
    const twice = urls.find((url, at) => urls.indexOf(url) !== at)
    if (twice !== undefined) throw registeredAlready(twice)
  }

  async #add(source: AgentSource, withSubscriptions: boolean): Promise<string[]> {
    const found = isAgent(source) ? [this.#addOnHost(source)] : await this.#addModule(moduleUrl(source, 'agents'))
    if (found.some(({ deadline }) => deadline !== undefined)) this.#watchdog.hurry()
    for (const { type, subscriptions } of found) if (withSubscriptions) this.registry.subscribeAll(type, subscriptions)
    return found.map(({ type }) => type)
  }

  #addOnHost(agent: AnyAgent): AgentDescription {
    this.registry.checkNew(agent.type, AN_OBJECT)
    const description = this.#control.host(agent)
    this.registry.add(description, undefined)
    return description
  }

  async #addModule(url: string): Promise<AgentDescription[]> {
    const where = await this.#loaders()
    if (this.#modules.includes(url)) throw registeredAlready(url)
    this.#modules.push(url) // before it is loaded: a thread that begins meanwhile loads it too
    try {
      const loaded = await Promise.all(where.map(loop => loop.order(control => control.load([url]))))
      const found = unwrap(loaded[0] as (typeof loaded)[number])
      for (const other of loaded) unwrap(other)
      for (const { type } of found) this.registry.checkNew(type, url)
      for (const description of found) this.registry.add(description, url)
      return found
    } catch (error) {
      this.#modules.splice(this.#modules.indexOf(url), 1)
      throw error
    }
  }

  /** The loops that load modules. At least one, while it is replaced too: only a loop that has loaded a module knows what is in it. */
  async #loaders(): Promise<LoopHandle[]> {
    if (this.#threads === 0) return [this.#mesh.get(0) as LoopHandle]
    for (;;) {
      const there = this.#mesh.loops.filter(loop => loop.index > 0)
      if (there.length > 0) return there
      if (this.#ending) throw this.host.stopReason()
      const coming = [...this.#replacements].filter(([index]) => !this.host.isGone(index)).map(([, begun]) => begun)
      if (coming.length === 0)
        throw new ThreadLostError('every thread ended too often and was given up', false, {}, true)
      await Promise.race(coming)
    }
  }

  #chainOnHost(interceptor: Interceptor): void {
    if (this.#threads > 0) {
      throw new InvalidArgumentError(
        'interceptors: with threads, give the URL of a module that exports the interceptor; an object would see only the messages of the calling loop',
      )
    }
    this.#control.chain(interceptor)
  }

  async #route(): Promise<void> {
    const table = this.registry.table()
    await this.#everywhere(loop => loop.order(control => control.route(table)))
  }

  /** Gives an order to every loop; one whose thread ends meanwhile gets what it missed when it is replaced. */
  async #everywhere(give: (loop: LoopHandle) => Promise<unknown>): Promise<void> {
    const lost = (error: unknown): void => {
      if (!(error instanceof RingreeveError) || error.code !== 'ERR_RINGREEVE_THREAD_LOST') throw error
    }
    await Promise.all(this.#mesh.loops.map(loop => give(loop).catch(lost)))
  }

  // ---- the lives of the threads -----------------------------------------------------------------------------------

  /** Begins a life of a loop: joined, loaded and routed when it resolves. */
  async #begin(index: number): Promise<void> {
    const thread = (this.#pool as Executor).spawn(index)
    const loop = new ThreadHandle(thread)
    void thread.ended.then(ending => this.#replacements.set(index, this.#lost(loop, ending)))
    try {
      if (this.#interceptors.length > 0) {
        unwrap(await loop.order(control => control.intercept(this.#interceptors)))
      }
      let known = await this.#teach(loop, [])
      const kept = this.#keeper.of(agent => this.#livesOn(agent, index))
      if (kept.length > 0) await loop.order(control => control.remember(kept))
      this.#watchdog.watch(thread)
      const rouse = await this.recycler.moveIn(loop)
      // What waited for it comes the moment it is joined, and may be for what was registered or subscribed meanwhile.
      // No wait from here to the join, which has it told of all that comes later.
      while (known.changes !== this.registry.changes || this.#modules.some(url => !known.modules.includes(url))) {
        known = await this.#teach(loop, known.modules)
      }
      await this.#mesh.join(loop, error => thread.kill(notBegun(error)))
      for (const gone of this.#givenUp)
        await loop.order(control => control.detach(gone.index, gone.life, gone.why, true))
      await rouse?.()
    } catch (error) {
      thread.kill(notBegun(error))
      await thread.ended // who waits for the loop has another replacement to wait for
      throw error
    }
  }

  /** Has a loop load what it has not, and gives it the routes. @returns what it knows now */
  async #teach(loop: ThreadHandle, before: readonly string[]) {
    const modules = [...this.#modules]
    const late = modules.filter(url => !before.includes(url))
    if (late.length > 0) unwrap(await loop.order(control => control.load(late)))
    const { changes } = this.registry
    await loop.order(control => control.route(this.registry.table()))
    return { modules, changes }
  }

  async #lost(loop: ThreadHandle, { why, turns, zombie }: Ending): Promise<void> {
    const { thread } = loop
    const overdue = this.#watchdog.forget(thread)
    this.#replacing++
    this.#mesh.remove(loop)
    void thread.exited.then(() => this.#mesh.release(loop))
    const agents = overdue === undefined ? turns?.map(turn => turn.agent) : [overdue]
    const recycled = this.recycler.hasLeft(thread) && !this.#ending
    const verdict = recycled ? { forGood: false, delay: 0 } : this.#judge(thread.index, agents, why)
    const stuck = zombie ? '; it is inside a native call and does not go: it is left behind as a zombie' : ''
    if (!this.#ending && !(recycled && !zombie)) this.host.observer.crash(`thread ${thread.index}: ${why}${stuck}`)
    if (zombie && !this.#ending && this.zombies > this.#options.maxZombies) {
      verdict.forGood = true
      this.#fail(
        `${this.zombies} threads are inside native calls and do not go (maxZombies is ${this.#options.maxZombies}); only a new process is rid of them`,
      )
    }
    if (verdict.forGood) this.#givenUp.push({ index: thread.index, life: thread.life, why })
    const told = this.#tellEnd(loop, why, verdict, overdue)
    try {
      await within(this.#machine.eventLoop, LET_GO_MS, told)
      if (verdict.delay > 0) await this.#wait(verdict.delay)
      if (!verdict.forGood && !this.#ending) await this.#begin(thread.index)
    } catch {
      // the new life could not begin and was ended: its end brings us here again, until that is too often
    } finally {
      this.#replaced()
    }
  }

  /**
   * Tells all loops that a life is over. The next life waits for that but for a moment: a loop may be busy for long, or for
   * ever. It is told in order, of this end before that beginning, and until then it has the memory of the life that is over.
   * Never throws.
   */
  async #tellEnd(loop: ThreadHandle, why: string, { failed, forGood }: Verdict, overdue: string | undefined) {
    const { index, life } = loop
    const table = failed === undefined ? undefined : this.registry.table()
    this.#replacing++ // frames of that life may be on their way to a loop that has not heard, and no gauge counts them
    try {
      await this.#everywhere(async other => {
        // both at once, in this order, before anything of the next life: who tries a failed call again is told why not
        const routed = table && other.order(control => control.route(table))
        await Promise.all([routed, other.order(control => control.detach(index, life, why, forGood, overdue))])
        this.#mesh.release(other, loop)
      })
    } catch (error) {
      this.host.unhandled(undefined, undefined, error)
    } finally {
      this.#replaced()
    }
  }

  #replaced(): void {
    this.#replacing--
    this.host.settled()
    this.idle.look()
  }

  /** Waits, but not past the end of the run. */
  #wait(ms: number): Promise<void> {
    return new Promise(resolve => {
      const end = (): void => {
        timeout.close()
        this.#waits.delete(end)
        resolve()
      }
      const timeout = this.#machine.eventLoop.after(ms, end)
      this.#waits.add(end)
    })
  }

  /** Threads that were ended and have not gone. */
  get zombies(): number {
    return this.#pool?.zombies ?? 0
  }

  /** Nothing can be promised any more: everything that is open gets an error, and whoever owns the run is to stop it. */
  #fail(why: string): void {
    this.host.observer.crash(`the runtime fails: ${why}`)
    this.host.failWith(new StoppedError(`the runtime failed: ${why}`))
    this.onFailed?.(why)
  }

  #judge(index: number, agents: readonly string[] | undefined, why: string): Verdict {
    if (this.#ending) return { forGood: true, delay: 0 }
    const { types } = this.registry
    const verdict = this.#supervisor.ended(index, agents, type => types.get(type)?.restarts)
    if (verdict.failed !== undefined) {
      this.registry.fail(verdict.failed, why)
      this.host.observer.crash(`agent type '${verdict.failed}' failed: it ended threads too often, last: ${why}`)
    }
    return verdict
  }

  async #tellSlow({ thread, turn, age }: TooLong): Promise<void> {
    const { observer } = this.host
    if (!observer.hears('slow')) return // nobody: then no thread is stopped for it
    const stack = await stackOf(this.#mesh.get(thread)?.status.thread ?? 0)
    if (turn !== undefined) return observer.slow(turn, age, stack)
    const calls = this.host.callsTo(thread)
    const there = calls.length === 0 ? '' : `; the calling loop waits there for ${calls.join(', ')}`
    observer.stalled(`thread ${thread} has not come back to its event loop for ${age} ms${there}`, stack)
  }

  #livesOn(agent: string, index: number): boolean {
    const { type, key } = toAgentId(agent)
    return this.host.routes.loopOf(type, key) === index
  }

  #kill(index: number, life: number, why: string): void {
    const loop = this.#mesh.get(index)
    if (loop instanceof ThreadHandle && loop.life === life) loop.thread.kill(why)
  }

  #take(report: Report): void {
    if (report.kind === 'unhandled') this.#unhandled.push(report.error)
    else if (report.kind === 'kept') this.#keeper.take(report.kept)
    else if (report.kind === 'dead') this.host.observer.dead(this.#letters.add(report.letter))
    else if (report.kind === 'broken') this.#kill(report.loop, report.life, report.why)
    else if (report.kind === 'stop') this.onStop?.(report.error)
    else if (report.kind === 'full') this.recycler.full(report.loop, report.life, report.heap)
    else for (const entry of report.entries) this.#note(entry)
  }

  #note(entry: LogEntry): void {
    try {
      this.#options.log?.(entry)
    } catch (error) {
      process.nextTick(() => {
        throw error // the application's own; not in the middle of a turn of a loop
      })
    }
  }
}

function notBegun(error: unknown): string {
  return `it could not begin: ${textOf(error)}`
}

function registeredAlready(url: string): AlreadyExistsError {
  return new AlreadyExistsError(`agent module ${url} is registered already`)
}

function moduleUrl(source: URL | string, option: string): string {
  if (source instanceof URL) return source.href
  if (typeof source === 'string' && /^(file|data):/.test(source)) return source
  const got = shown(source)
  if (typeof source !== 'string') {
    const what = option === 'agents' ? "what agent('…') returned" : 'what interceptor({…}) returned'
    throw new InvalidArgumentError(
      `${option}: takes ${what}, and URLs of modules, new URL('./${option}.js', import.meta.url); got ${got}`,
    )
  }
  throw new ModuleError(
    `${option}: ${got} is not a URL; write new URL(${got}, import.meta.url), or pathToFileURL() of a whole path`,
  )
}
