// The coordinator: agent types, subscriptions, placement, and the lives of the threads. It lives where the runtime was
// made. Messages between threads never pass here; what passes here are changes, and the news that a thread is gone.
import { type AnyAgent, isAgent } from '../agent/definition.js'
import { AlreadyExistsError, InvalidArgumentError, ModuleError, RingreeveError } from '../agent/errors.js'
import { type Interceptor, isInterceptor } from '../agent/interceptor.js'
import { type AgentDescription, LoopControl, unwrap } from '../loop/control.js'
import { Loop, type LoopOptions, type Report } from '../loop/loop.js'
import type { SubscriptionRoute } from '../routing/table.js'
import { CancelFlags } from '../sync/cancel.js'
import { House, type LoopStats, Status } from '../sync/status.js'
import type { AgentSource, RuntimeOptions, Subscription } from './api.js'
import { IdleWatch } from './idle.js'
import { HostHandle, type LoopHandle, Mesh, ThreadHandle } from './mesh.js'
import { Registry } from './registry.js'
import { Threads } from './threads.js'
import { Watchdog } from './watchdog.js'

const DEFAULT_RING = 256 * 1024

/** One run of a runtime, from start to stop. */
export class Coordinator {
  readonly host: Loop
  readonly house = new House()
  readonly registry: Registry
  readonly idle: IdleWatch
  /** Called when an agent's own loop or timer failed and that is to end the runtime. */
  onStop: ((error: unknown) => void) | undefined
  readonly #options: RuntimeOptions
  readonly #threads: number
  /** What all loops are told. */
  readonly #shared: Pick<LoopOptions, 'loops' | 'wait' | 'log' | 'unhandled'>
  readonly #control: LoopControl
  readonly #mesh: Mesh
  #pool: Threads | undefined
  readonly #watchdog: Watchdog
  readonly #modules: string[] = []
  readonly #interceptors: string[] = []
  /** When threads were lost, by loop: for the restart intensity. */
  readonly #losses = new Map<number, number[]>()
  #replacing = 0
  #ending = false
  #paused: boolean
  #openGate: (() => void) | undefined
  /** Errors that nobody waited for, with `unhandledErrors: 'throw'`. */
  #unhandled: unknown[] = []

  constructor(options: RuntimeOptions, threads: number, paused: boolean) {
    this.#options = options
    this.#threads = threads
    this.#paused = paused
    this.registry = new Registry(threads)
    this.#mesh = new Mesh(options.ringBytes ?? DEFAULT_RING)
    const status = new Status()
    const flags = new CancelFlags()
    const shared = {
      loops: threads + 1,
      wait: options.wait ?? 'poll',
      log: options.log !== undefined,
      unhandled: options.unhandledErrors === 'throw',
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
    })
    this.host.onReport = report => this.#take(report)
    this.#control = new LoopControl(this.host)
    this.idle = new IdleWatch(this.house, () => ({
      statuses: this.#mesh.loops.map(loop => loop.status),
      rings: this.#mesh.gauges,
      settled: this.#replacing === 0,
    }))
    this.host.onQuiet = () => this.idle.look()
    // a paused single loop queues in its mailboxes, where processNext() finds it; threads would not wait
    if (paused && threads > 0) {
      this.host.gate = new Promise(resolve => {
        this.#openGate = resolve
      })
    }
    void this.#mesh.join(new HostHandle(this.#control, status, flags))
    this.#watchdog = new Watchdog(this.house)
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
      this.#pool = new Threads({ threads: this.#threads, resourceLimits, task })
    }
    if (this.#interceptors.length > 0) unwrap(await this.#control.intercept(this.#interceptors))
    await Promise.all(Array.from({ length: this.#threads }, (_, i) => this.#begin(i + 1)))
    for (const source of sources) await this.#add(source, before === undefined)
    if (before !== undefined) this.registry.restore(before)
    await this.#route()
    if (!this.#paused) this.resume()
  }

  resume(): void {
    this.#paused = false
    this.host.gate = undefined
    this.#openGate?.()
    this.host.scheduler.resume()
  }

  /** @returns the types that were added */
  async register(source: AgentSource, withSubscriptions: boolean): Promise<string[]> {
    const types = await this.#add(source, withSubscriptions)
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

  /** The loop that hosts an agent, now. */
  loopOf(type: string, key: string): LoopHandle | undefined {
    const index = this.host.routes.loopOf(type, key)
    return index === undefined ? undefined : this.#mesh.get(index)
  }

  get loops(): readonly LoopHandle[] {
    return this.#mesh.loops
  }

  stats(): LoopStats[] {
    this.host.publish()
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
    this.host.publish()
    await this.idle.wait()
  }

  /** Ends everything. Never throws, never waits longer than the time limits. @returns what `onStop` hooks threw */
  async stop(ms: number): Promise<unknown[]> {
    this.#ending = true
    this.house.stopping = true
    this.#watchdog.stop()
    const stops = this.#mesh.loops.map(loop => this.#stopLoop(loop, ms))
    const failures = (await Promise.all(stops)).flat()
    await this.#pool?.destroy()
    this.host.end()
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
    const timer = setTimeout(() => thread.kill('it did not stop in time'), ms * 2 + 500)
    try {
      const failures = await loop.order(control => control.stop(ms))
      await loop.order(control => control.end())
      await thread.ended
      return failures.flatMap(wire => unwrap({ error: wire }))
    } catch (error) {
      return error instanceof RingreeveError ? [] : [error]
    } finally {
      clearTimeout(timer)
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
    for (const { type, subscriptions } of found) if (withSubscriptions) this.registry.subscribeAll(type, subscriptions)
    if (found.some(({ deadline }) => deadline !== undefined)) this.#watchdog.start()
    return found.map(({ type }) => type)
  }

  #addOnHost(agent: AnyAgent): AgentDescription {
    this.registry.checkNew(agent.type)
    const description = this.#control.host(agent)
    this.registry.add(description, true)
    return description
  }

  async #addModule(url: string): Promise<AgentDescription[]> {
    if (this.#modules.includes(url)) throw registeredAlready(url)
    const where =
      this.#threads === 0 ? [this.#mesh.get(0) as LoopHandle] : this.#mesh.loops.filter(loop => loop.index > 0)
    this.#modules.push(url) // before it is loaded: a thread that begins meanwhile loads it too
    try {
      const loaded = await Promise.all(where.map(loop => loop.order(control => control.load([url]))))
      const found = unwrap(loaded[0] as (typeof loaded)[number])
      for (const other of loaded) unwrap(other)
      for (const { type } of found) this.registry.checkNew(type)
      for (const description of found) this.registry.add(description, false)
      return found
    } catch (error) {
      this.#modules.splice(this.#modules.indexOf(url), 1)
      throw error
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
    const thread = (this.#pool as Threads).spawn(index)
    const loop = new ThreadHandle(thread)
    void thread.ended.then(why => this.#lost(loop, why))
    try {
      if (this.#interceptors.length > 0) {
        unwrap(await loop.order(control => control.intercept(this.#interceptors)))
      }
      const modules = [...this.#modules]
      if (modules.length > 0) unwrap(await loop.order(control => control.load(modules)))
      // routed before it is joined: what waited for it comes the moment it is
      await loop.order(control => control.route(this.registry.table()))
      this.#watchdog.watch(thread)
      await this.#mesh.join(loop)
      const late = this.#modules.filter(url => !modules.includes(url))
      if (late.length > 0) unwrap(await loop.order(control => control.load(late)))
      if (this.registry.types.size > 0) await this.#route()
    } catch (error) {
      thread.kill(`it could not begin: ${error instanceof Error ? error.message : String(error)}`)
      throw error
    }
  }

  async #lost(loop: ThreadHandle, why: string): Promise<void> {
    const { thread } = loop
    const overdue = this.#watchdog.forget(thread)
    this.#replacing++
    this.#mesh.remove(loop)
    const forGood = this.#ending || this.#tooOften(thread.index)
    if (!this.#ending) this.host.observer.crash(`thread ${thread.index}: ${why}`)
    try {
      await this.#everywhere(other =>
        other.order(control => control.detach(thread.index, thread.life, why, forGood, overdue)),
      )
      if (!forGood) await this.#begin(thread.index)
    } catch {
      // the new life could not begin and was ended: its end brings us here again, until that is too often
    } finally {
      this.#replacing--
      this.host.settled()
      this.idle.look()
    }
  }

  #tooOften(index: number): boolean {
    const { max, within } = this.#options.restarts ?? { max: 3, within: 10_000 }
    const now = this.house.now()
    const recent = (this.#losses.get(index) ?? []).filter(time => now - time < within)
    recent.push(now)
    this.#losses.set(index, recent)
    return recent.length > max
  }

  #take(report: Report): void {
    if (report.kind === 'unhandled') this.#unhandled.push(report.error)
    else if (report.kind === 'stop') this.onStop?.(report.error)
    else {
      try {
        this.#options.log?.(report.entry)
      } catch (error) {
        process.nextTick(() => {
          throw error // the application's own; not in the middle of a turn of a loop
        })
      }
    }
  }
}

function registeredAlready(url: string): AlreadyExistsError {
  return new AlreadyExistsError(`agent module ${url} is registered already`)
}

function moduleUrl(source: URL | string, option: string): string {
  if (source instanceof URL) return source.href
  if (typeof source === 'string' && /^(file|data):/.test(source)) return source
  const got = typeof source === 'string' ? JSON.stringify(source) : String(source)
  if (typeof source !== 'string')
    throw new InvalidArgumentError(`${option}: takes agent definitions and URLs of modules, got ${got}`)
  throw new ModuleError(`${option}: ${got} is not a URL; write new URL(${got}, import.meta.url)`)
}
