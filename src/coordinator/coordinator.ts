// The coordinator: agent types, subscriptions, placement, and the lives of the threads. It lives where the runtime was
// made. Messages between threads never pass here; what passes here are changes, and the news that a thread is gone.

import { type AnyAgent, isAgent } from '../agent/definition.js'
import { InvalidArgumentError, StoppedError } from '../agent/errors.js'
import type { AgentId } from '../agent/ids.js'
import { type Interceptor, isInterceptor } from '../agent/interceptor.js'
import { nextTick } from '../base/real-time.js'
import type { Kept, Report } from '../loop/base/reports.js'
import { LoopControl } from '../loop/control/control.js'
import { heapEndIsCaught, RECYCLE_AT } from '../loop/control/heap.js'
import { type AgentDescription, type Orders, unwrap } from '../loop/control/orders.js'
import { Loop, type LoopOptions } from '../loop/loop.js'
import type { LogEntry } from '../observe/log.js'
import { warnOfHeaps } from '../observe/warning.js'
import type { SubscriptionRoute } from '../routing/table.js'
import { CancelFlags } from '../sync/cancel.js'
import { House, type LoopStats, Status } from '../sync/status.js'
import { errorFromWire } from '../transport/wire-error.js'
import type { GivenUp, Subscription } from './api.js'
import { checkSources, isLimited, moduleUrl } from './arguments.js'
import type { LetterBox } from './dead-letters.js'
import { IdleWatch } from './idle.js'
import { Lives } from './lives.js'
import type { Machine } from './machine.js'
import { HostHandle, type LoopHandle, Mesh } from './mesh.js'
import type { AgentSource, RuntimeOptions } from './options.js'
import { OwnEnding } from './own-end.js'
import type { Recycler } from './recycler.js'
import { AN_OBJECT, Registry } from './registry.js'
import { Rerouting } from './rerouting.js'
import { type LoopEnd, SlowStop } from './slow-stop.js'
import { stackOf } from './stack.js'
import { Unhandled } from './unhandled.js'
import { WaitGraph } from './wait-graph.js'
import { type TooLong, Watchdog } from './watchdog.js'

const DEFAULT_RING = 256 * 1024
const LOAD_MS = 30_000

/** One run of a runtime, from start to stop. */
export class Coordinator {
  readonly host: Loop
  readonly house: House
  readonly registry: Registry
  readonly idle: IdleWatch
  readonly slowStop: SlowStop
  readonly ownEnding: OwnEnding
  readonly #options: RuntimeOptions
  readonly #threads: number
  /** What all loops are told. */
  readonly #shared: Pick<
    LoopOptions,
    'loops' | 'wait' | 'log' | 'unhandled' | 'unheard' | 'recycleAt' | 'senderContext'
  >
  readonly #control: LoopControl
  readonly #mesh: Mesh
  readonly #machine: Machine
  readonly #waitGraph: WaitGraph
  readonly #watchdog: Watchdog
  readonly #lives: Lives
  readonly #rerouting: Rerouting
  readonly #letters: LetterBox
  #paused: boolean
  /** Errors that nobody waited for, with `unhandledErrors: 'throw'`. */
  readonly unhandled = new Unhandled()

  constructor(options: RuntimeOptions, threads: number, paused: boolean, letters: LetterBox, machine: Machine) {
    this.#machine = machine
    this.house = new House(undefined, undefined, machine.steady)
    this.#letters = letters
    this.#options = options
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
      recycleAt: options.recycleAt ?? (isLimited(options) ? RECYCLE_AT : 0),
      senderContext: options.asyncContext === 'sender',
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
    this.ownEnding = new OwnEnding(this.host)
    this.host.reports.onReport = report => this.#take(report)
    this.#control = new LoopControl(this.host)
    this.idle = new IdleWatch(this.house, () => ({
      statuses: this.#mesh.loops.map(loop => loop.status),
      rings: this.#mesh.gauges,
      steady: this.#lives.steady,
    }))
    this.slowStop = new SlowStop(this.host, this.#mesh, machine.eventLoop)
    this.host.onQuiet = () => this.idle.look()
    // a paused single loop queues in its mailboxes, where processNext() finds it; threads would not wait
    if (paused && threads > 0) this.host.admission.close()
    void this.#mesh.join(new HostHandle(this.#control, status, flags), () => {}) // the first: there is nobody to refuse it
    this.#rerouting = new Rerouting(this.#mesh, this.registry, this.host, this.house)
    this.#waitGraph = new WaitGraph(machine.eventLoop, () => this.#mesh.loops)
    this.#watchdog = new Watchdog(this.house, machine.eventLoop, slow => void this.#tellSlow(slow))
    this.#lives = new Lives({
      host: this.host,
      mesh: this.#mesh,
      registry: this.registry,
      watchdog: this.#watchdog,
      machine,
      limits: {
        restarts: options.restarts,
        maxZombies: options.maxZombies ?? Math.max(2, threads),
        loadTimeout: options.loadTimeout ?? LOAD_MS,
      },
      look: () => this.idle.look(),
      failed: why => this.ownEnding.fail(why),
    })
    this.#shared = shared
  }

  /** Starts the threads and registers everything. @param before subscriptions of the run before, if there was one */
  async start(sources: readonly AgentSource[], before: readonly SubscriptionRoute[] | undefined): Promise<void> {
    checkSources(sources) // before any thread is started in vain
    for (const one of this.#options.interceptors ?? []) {
      if (isInterceptor(one)) this.#chainOnHost(one)
      else this.registry.interceptors.push(moduleUrl(one as URL | string, 'interceptors'))
    }
    const { interceptors } = this.registry
    for (const url of interceptors) await this.#lives.loading.intercept(this.#mesh.get(0) as LoopHandle, url)
    if (this.#threads > 0) {
      const task = { ...this.#shared, paused: false, house: { memory: this.house.memory, built: this.house.built } }
      const { resourceLimits } = this.#options
      if (isLimited(this.#options) && !heapEndIsCaught) warnOfHeaps()
      await this.#lives.begin(this.#machine.executor({ threads: this.#threads, resourceLimits, task }), this.#threads)
    }
    for (const source of sources) await this.#add(source, before === undefined)
    if (before !== undefined) this.registry.restore(before)
    await this.#rerouting.everywhere()
    if (!this.#paused) this.resume()
  }

  resume(): void {
    if (this.#paused && this.#threads > 0) this.host.admission.open()
    this.#paused = false
    this.host.scheduler.resume()
  }

  /** @returns the types that were added */
  async register(source: AgentSource, withSubscriptions: boolean): Promise<string[]> {
    this.#checkThere()
    const types = await this.recycler.undisturbed(() => this.#add(source, withSubscriptions))
    this.#checkThere() // it may have stopped meanwhile
    await this.#rerouting.everywhere()
    return types
  }

  async subscribe(subscription: Subscription): Promise<string> {
    this.#checkThere()
    const id = this.registry.subscribe(subscription)
    await this.#rerouting.everywhere()
    return id
  }

  async unsubscribe(id: string): Promise<void> {
    this.#checkThere()
    this.registry.unsubscribe(id)
    await this.#rerouting.everywhere()
  }

  /** Whoever was held, or comes late, has no part in what was done after it was over. @throws StoppedError */
  #checkThere(): void {
    const { admission } = this.host
    if (admission.closed) throw admission.reason
  }

  /** Gives an order to the loop of an agent, which does not move meanwhile. */
  order<T>(id: AgentId, work: (control: Orders) => Promise<T> | T): Promise<T> {
    return this.recycler.undisturbed(async () => (await this.loopOf(id)).order(work))
  }

  /** The loop that hosts an agent; while its thread is replaced, once that is done. @throws UnknownAgentError, ThreadLostError, StoppedError */
  async loopOf(id: AgentId): Promise<LoopHandle> {
    const address = this.host.directory.of(id)
    if (address.loop < 0) throw this.host.directory.nowhere(address)
    return this.#lives.loopOf(address)
  }

  /** Stops an agent without what is queued for it, wherever that is: here, on its way, or there. */
  dropAgent(id: AgentId, ms: number): Promise<void> {
    return this.recycler.undisturbed(() => this.#drop(id, ms))
  }

  async #drop(id: AgentId, ms: number): Promise<void> {
    const loop = await this.loopOf(id)
    const text = id.toString()
    if (loop.index > 0) {
      this.host.peers.of(loop.index).drop(text, new StoppedError(`agent ${text} was stopped`, { agent: text }))
      await loop.order(control => control.pauseAgent(text)) // what comes meanwhile is not to begin; who drops it resumes it
      await this.#rerouting.written(loop, ms)
    }
    unwrap(await loop.order(control => control.dropAgent(text, ms)))
  }

  get loops(): readonly LoopHandle[] {
    return this.#mesh.loops
  }

  /** See {@link Mesh.everywhere}. */
  everywhere(give: (loop: LoopHandle) => Promise<unknown>): Promise<void> {
    return this.#mesh.everywhere(give)
  }

  /** Agents that are nowhere any more, because their thread or type was given up, as they were kept last. */
  get lost(): Kept[] {
    return this.#lives.lost
  }

  /** What all loops together have accepted, mod 2^32, if nothing is under way. */
  get accepted(): number | undefined {
    this.host.show()
    return this.idle.accepted
  }

  stats(): LoopStats[] {
    this.host.show()
    return Array.from({ length: this.#threads + 1 }, (_, index) => {
      const loop = this.#mesh.get(index)
      return (loop?.status ?? new Status()).stats(index, loop !== undefined)
    })
  }

  /** How many messages no loop counts as queued: those that the gate holds, and at least how many are on their way from loop to loop. */
  get onTheWay(): number {
    this.host.show()
    return this.host.admission.messages + this.idle.onTheWay
  }

  get recycler(): Recycler {
    return this.#lives.recycler
  }

  /** Threads that do not begin again in this run. */
  get givenUp(): readonly GivenUp[] {
    return this.#lives.givenUp
  }

  /** Whether something could handle a message: a thread that is there or comes again, or the calling loop. */
  get able(): boolean {
    if (this.#threads === 0 || this.givenUp.length < this.#threads) return true
    return [...this.registry.types.values()].some(({ loops }) => loops.includes(0))
  }

  /** Threads that were ended and have not gone. */
  get zombies(): number {
    return this.#lives.zombies
  }

  /** Waits until nothing is under way. What the gate holds is not. */
  async whenIdle(): Promise<void> {
    this.host.show()
    await this.idle.wait()
  }

  /** The same for the application, behind what the gate holds. */
  async whenAllIdle(): Promise<void> {
    const { admission } = this.host
    do await (admission.held && admission.messages > 0 ? admission.behind(() => this.whenIdle()) : this.whenIdle())
    while (admission.held && admission.messages > 0)
  }

  /**
   * Ends everything. Never throws, never waits longer than the time limits.
   * @param settle for the turns at work to end
   * @returns what `onStop` hooks threw; and TimeoutError for agents that had no time for theirs
   */
  async stop(ms: number, settle = ms): Promise<unknown[]> {
    this.house.stopping = true
    this.#watchdog.end()
    this.#lives.loading.end(this.host.admission.reason)
    const { reason } = this.host.admission
    const here = this.host.stop(ms, settle).then((end): LoopEnd => ({ index: 0, ...end }))
    const there = this.#lives.stop(ms, settle, reason)
    this.host.admission.openForGood()
    const ends = [await here, ...(await there)]
    const failures = ends.flatMap(end => end.failures)
    const left = this.slowStop.left(ends)
    if (left !== undefined) failures.push(left)
    await this.#lives.destroy()
    this.host.end()
    this.idle.end()
    this.#mesh.letGo(this.#mesh.get(0) as LoopHandle)
    return failures
  }

  /** From now on the application may not send; turns may. */
  drain(): void {
    const { admission } = this.host
    if (admission.stage === 'open') admission.to('draining')
  }

  /** Stops what agents do of themselves, and resumes those that are paused. */
  async rest(): Promise<void> {
    await this.#mesh.everywhere(loop => loop.order(control => control.rest()))
  }

  /**
   * Stops the agents that have an `onStop`, while there are others to hear what it says; and again those that were made anew by that.
   * @param failures gets what `onStop` threw
   */
  async farewell(failures: unknown[]): Promise<void> {
    for (let stopped = 1; stopped > 0; await this.whenIdle()) {
      stopped = 0
      await this.#mesh.everywhere(async loop => {
        const said = await loop.order(control => control.farewell())
        stopped += said.stopped
        failures.push(...said.failures.map(wire => errorFromWire(wire)))
      })
    }
  }

  // ---- registering ------------------------------------------------------------------------------------------------

  async #add(source: AgentSource, withSubscriptions: boolean): Promise<string[]> {
    const found = isAgent(source)
      ? [this.#addOnHost(source)]
      : await this.#lives.loading.register(moduleUrl(source, 'agents'))
    if (found.some(({ deadline }) => deadline !== undefined)) this.#watchdog.hurry()
    for (const { type, subscriptions } of found) if (withSubscriptions) this.registry.subscribeAll(type, subscriptions)
    return found.map(({ type }) => type)
  }

  #addOnHost(agent: AnyAgent): AgentDescription {
    const { type, options } = agent.spec
    this.registry.checkNew({ type, subscriptions: options.subscriptions ?? [] }, AN_OBJECT)
    const description = this.#control.host(agent)
    this.registry.addObject(description)
    return description
  }

  #chainOnHost(interceptor: Interceptor): void {
    if (this.#threads > 0) {
      throw new InvalidArgumentError(
        'interceptors: with threads, give the URL of a module that exports the interceptor; an object would see only the messages of the calling loop',
      )
    }
    this.#control.chain(interceptor)
  }

  // ---- what is told of --------------------------------------------------------------------------------------------

  async #tellSlow({ thread, turn, age, hung }: TooLong): Promise<void> {
    const { observer } = this.host.reports
    // where nobody listens a thread is stopped for it only once it seems to hang, and who listens has heard of that before
    if (turn === undefined && observer.hears('slow') === hung) return
    const stack = await stackOf(this.#mesh.get(thread)?.status.thread ?? 0)
    if (turn !== undefined) return observer.slow(turn, age, stack)
    observer.stalled(
      `thread ${thread} has not come back to its event loop for ${age} ms${this.slowStop.calls(thread)}`,
      stack,
    )
  }

  #take(report: Report): void {
    if (report.kind === 'unhandled') this.unhandled.add(report.error)
    else if (report.kind === 'kept') this.#lives.keep(report.kept)
    else if (report.kind === 'dead') this.host.reports.observer.dead(this.#letters.add(report.letter))
    else if (report.kind === 'broken') this.#lives.kill(report.loop, report.life, report.why)
    else if (report.kind === 'warning') this.host.reports.warn(report.warning)
    else if (report.kind === 'stop') this.ownEnding.by(report.agent, report.error)
    else if (report.kind === 'stuck') void this.#waitGraph.look()
    else if (report.kind === 'full') this.#lives.recycler.full(report.loop, report.life, report.heap)
    else for (const entry of report.entries) this.#note(entry)
  }

  #note(entry: LogEntry): void {
    try {
      this.#options.log?.(entry)
    } catch (error) {
      nextTick(() => {
        throw error // the application's own; not in the middle of a turn of a loop
      })
    }
  }
}
