// The lives of the loops beside the calling one: how one begins, what follows from its end, and how all of them stop.
// What it keeps: a life is joined to the others when it knows all that they know; every loop hears of an end before it
// hears of the next life; and a loop that is busy, be it for ever, keeps no other from its next life.

import { RingreeveError, type StoppedError, ThreadLostError, textOf } from '../agent/errors.js'
import type { RestartPolicy } from '../agent/options.js'
import { wallNow } from '../base/real-time.js'
import { within } from '../loop/base/event-loop.js'
import type { Address } from '../loop/base/recipient.js'
import type { Kept } from '../loop/base/reports.js'
import { plainError } from '../loop/control/orders.js'
import type { Loop } from '../loop/loop.js'
import { errorFromWire } from '../transport/wire-error.js'
import type { GivenUp } from './api.js'
import type { Ending, Executor } from './executor.js'
import { Keeper } from './keeper.js'
import { Loading } from './loading.js'
import type { Machine } from './machine.js'
import { type LoopHandle, type Mesh, ThreadHandle } from './mesh.js'
import { Recycler } from './recycler.js'
import type { Registry } from './registry.js'
import type { LoopEnd } from './slow-stop.js'
import { stackOf } from './stack.js'
import { Supervisor, type Verdict } from './supervisor.js'
import type { Watchdog } from './watchdog.js'

/** How long a new life waits for others to let go of the memory of the one before, which it can then have. */
const LET_GO_MS = 50

/** A thread keeps its time limits itself, unless it does not come by; this is for its answer to be there. */
const STOP_GRACE_MS = 100

/** What helps when a thread was given up. */
const ANEW = 'stop() and start() of the runtime begin anew'

/** When threads are given up. */
export interface Limits {
  readonly restarts: RestartPolicy | undefined
  /** Threads that may be inside of native calls and not go. */
  readonly maxZombies: number
  /** Milliseconds that a module may take to be loaded. */
  readonly loadTimeout: number
}

/** What the lives need of their coordinator. */
export interface LivesHost {
  readonly host: Loop
  readonly mesh: Mesh
  readonly registry: Registry
  readonly watchdog: Watchdog
  readonly machine: Machine
  readonly limits: Limits
  /** Whoever waits for all to be idle is to look. */
  look(): void
  /** Nothing can be promised any more. */
  failed(why: string): void
}

/** All lives of all threads, in one run of the runtime. */
export class Lives {
  readonly recycler: Recycler
  readonly loading: Loading
  readonly #of: LivesHost
  readonly #supervisor: Supervisor
  readonly #keeper = new Keeper()
  #pool: Executor | undefined
  /** Ends of threads with something still to be done: the next life is to begin, or another loop has not heard of it. */
  #replacing = 0
  /** By loop: its thread ended, and the next life is there or could not begin. */
  readonly #replacements = new Map<number, Promise<void>>()
  /** The last lives of loops that do not begin again, and why: lives that begin later must know. */
  readonly #givenUp: (GivenUp & { readonly life: number })[] = []
  #ending = false
  /** Ends of waits, for when the runtime stops. */
  readonly #waits = new Set<() => void>()

  constructor(of: LivesHost) {
    this.#of = of
    const { mesh, host, machine } = of
    this.#supervisor = new Supervisor(of.limits.restarts, machine.steady, machine.random)
    this.recycler = new Recycler({
      mesh,
      observer: host.reports.observer,
      eventLoop: machine.eventLoop,
      now: machine.steady,
      channel: machine.channel,
      replaced: async index => this.#replacements.get(index),
      charge: index => this.#judge(index, undefined, ''),
      settled: () => of.look(),
    })
    this.loading = new Loading({
      mesh,
      registry: of.registry,
      observer: host.reports.observer,
      eventLoop: machine.eventLoop,
      limit: of.limits.loadTimeout,
      stackOf,
      present: () => this.present,
      anyPresent: () => this.#anyPresent(),
    })
  }

  /** Begins the first life of each thread. */
  async begin(pool: Executor, threads: number): Promise<void> {
    this.#pool = pool
    await Promise.all(Array.from({ length: threads }, (_, i) => this.#begin(i + 1)))
  }

  /** Whether no thread is being replaced, or moved. */
  get steady(): boolean {
    return this.#replacing === 0 && !this.recycler.busy
  }

  /** Threads that were ended and have not gone. */
  get zombies(): number {
    return this.#pool?.zombies ?? 0
  }

  /** Threads that do not begin again in this run. */
  get givenUp(): readonly GivenUp[] {
    return this.#ending ? [] : this.#givenUp.map(({ thread, since, why }) => ({ thread, since, why }))
  }

  /** Takes a checkpoint, for the next life. */
  keep(kept: Kept): void {
    this.#keeper.take(kept)
  }

  /** What is kept of agents that do not come back: their thread or their type was given up. */
  get lost(): Kept[] {
    const { directory, peers } = this.#of.host
    return this.#keeper.of(agent => {
      const { loop } = directory.of(agent)
      return loop < 0 || peers.isGone(loop)
    })
  }

  /** Ends one life, if it has not ended. */
  kill(index: number, life: number, why: string): void {
    const loop = this.#of.mesh.get(index)
    if (loop instanceof ThreadHandle && loop.life === life) loop.thread.kill(why)
  }

  /**
   * The loop where an agent is; while its thread is replaced, once that is done. None once the run ends: the calling loop
   * is there then, and could still be given orders, but what it made for them would have no end.
   * @throws ThreadLostError, StoppedError
   */
  async loopOf({ loop: index, text }: Address): Promise<LoopHandle> {
    const { host, mesh } = this.#of
    for (;;) {
      if (this.#ending) throw host.admission.reason
      const loop = mesh.get(index)
      if (loop !== undefined) return loop
      if (host.peers.isGone(index)) {
        const why = this.#givenUp.find(({ thread }) => thread === index)?.why
        const lost = `thread ${index}, where ${text} lives, was lost: ${why}`
        throw new ThreadLostError(lost, false, { thread: index, agent: text }, true)
      }
      await this.#replacements.get(index)
    }
  }

  /** The loops that load modules: the threads that are there; or else the calling loop. */
  get present(): readonly LoopHandle[] {
    const { loops } = this.#of.mesh
    return this.#pool === undefined ? loops : loops.filter(loop => loop.index > 0)
  }

  /** Waits until there is one that loads modules, while all threads are replaced too. @throws ThreadLostError, StoppedError */
  async #anyPresent(): Promise<void> {
    const { host } = this.#of
    while (this.present.length === 0) {
      if (this.#ending) throw host.admission.reason
      const coming = [...this.#replacements].filter(([index]) => !host.peers.isGone(index)).map(([, begun]) => begun)
      if (coming.length === 0)
        throw new ThreadLostError(
          `every thread was given up; the last one: ${this.#givenUp.at(-1)?.why}`,
          false,
          {},
          true,
        )
      await Promise.race(coming)
    }
  }

  // ---- beginning --------------------------------------------------------------------------------------------------

  /** Begins a life of a loop: joined, loaded and routed when it resolves. */
  async #begin(index: number): Promise<void> {
    const { mesh, registry, watchdog } = this.#of
    const thread = (this.#pool as Executor).spawn(index)
    const loop = new ThreadHandle(thread)
    void thread.ended.then(ending => this.#replacements.set(index, this.#lost(loop, ending)))
    try {
      for (const url of registry.interceptors) await this.loading.intercept(loop, url)
      let known = await this.#teach(loop, [])
      const kept = this.#keeper.of(agent => this.#livesOn(agent, index))
      if (kept.length > 0) await loop.order(control => control.remember(kept))
      watchdog.watch(thread)
      const rouse = await this.recycler.moveIn(loop)
      // What waited for it comes the moment it is joined, and may be for what was registered or subscribed meanwhile.
      // No wait from here to the join, which has it told of all that comes later.
      while (
        known.changes !== registry.changes ||
        registry.modulesOf(index).some(url => !known.modules.includes(url))
      ) {
        known = await this.#teach(loop, known.modules)
      }
      await mesh.join(loop, error => thread.kill(notBegun(error)))
      for (const gone of this.#givenUp)
        await loop.order(control => control.detach(gone.thread, gone.life, gone.why, true))
      if (rouse !== undefined) void this.#rouse(rouse)
    } catch (error) {
      thread.kill(notBegun(error))
      await thread.ended // who waits for the loop has another replacement to wait for
      throw error
    }
  }

  /** Nobody waits but who waits for idle: an agent that is made again may give orders, and orders wait for the move. */
  async #rouse(rouse: () => Promise<void>): Promise<void> {
    this.#replacing++
    await rouse().catch(() => {}) // its thread ended: that is told of
    this.#replaced()
  }

  /** Has a loop load what it has not, and gives it the routes. @returns what it knows now */
  async #teach(loop: ThreadHandle, before: readonly string[]) {
    const { registry } = this.#of
    const modules = registry.modulesOf(loop.index)
    const late = modules.filter(url => !before.includes(url))
    for (const url of late) await this.loading.load(loop, url)
    if (late.length > 0) await loop.order(control => control.admit(late))
    const { changes } = registry
    await loop.order(control => control.route(registry.table()))
    return { modules, changes }
  }

  // ---- ending -----------------------------------------------------------------------------------------------------

  async #lost(loop: ThreadHandle, { why, turns, stack, zombie }: Ending): Promise<void> {
    const { host, mesh, machine, watchdog, limits } = this.#of
    const { maxZombies } = limits
    const { thread } = loop
    const overdue = watchdog.forget(thread)
    this.#replacing++
    mesh.remove(loop)
    void thread.exited.then(() => mesh.letGo(loop))
    const agents = overdue === undefined ? turns?.map(turn => turn.agent) : [overdue]
    const recycled = this.recycler.hasLeft(thread) && !this.#ending
    const loaded = this.loading.ended(thread, (turns?.length ?? 0) > 0, stack)
    const innocent = recycled || (loaded && !this.#ending)
    const verdict = innocent ? { forGood: false, delay: 0 } : this.#judge(thread.index, agents, why, stack)
    const stuck = zombie ? '; it is inside a native call and does not go: it is left behind as a zombie' : ''
    if (!this.#ending && !(recycled && !zombie)) host.reports.observer.crash(`thread ${thread.index}: ${why}${stuck}`)
    if (zombie && !this.#ending && this.zombies > maxZombies) {
      verdict.forGood = true
      this.#of.failed(
        `${this.zombies} threads are inside native calls and do not go (maxZombies is ${maxZombies}); only a new process is rid of them`,
      )
    }
    const last = verdict.forGood ? `${why}; it ended too often and was given up: ${ANEW}` : why
    if (verdict.forGood) {
      this.#givenUp.push({ thread: thread.index, life: thread.life, since: wallNow(), why: last })
      const told = `thread ${thread.index} ended too often and is given up, with all agents on it; last: ${why}`
      if (!this.#ending) host.reports.observer.givenUp(`thread ${thread.index}`, told)
    }
    const told = this.#tellEnd(loop, last, verdict, overdue)
    try {
      await within(machine.eventLoop, LET_GO_MS, told)
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
  async #tellEnd(loop: ThreadHandle, why: string, verdict: Verdict, overdue: string | undefined) {
    const { failed, failedModule, forGood } = verdict
    const { mesh, registry, host } = this.#of
    const { index, life } = loop
    const table = failed === undefined && failedModule === undefined ? undefined : registry.table()
    this.#replacing++ // frames of that life may be on their way to a loop that has not heard, and no gauge counts them
    try {
      await mesh.everywhere(async other => {
        // both at once, in this order, before anything of the next life: who tries a failed call again is told why not
        const routed = table && other.order(control => control.route(table))
        await Promise.all([routed, other.order(control => control.detach(index, life, why, forGood, overdue))])
        mesh.letGo(other, loop)
      })
    } catch (error) {
      host.reports.unhandled(undefined, undefined, error)
    } finally {
      this.#replaced()
    }
  }

  #replaced(): void {
    this.#replacing--
    this.#of.host.ledger.changed()
    this.#of.look()
  }

  /** Waits, but not past the end of the run. */
  #wait(ms: number): Promise<void> {
    return new Promise(resolve => {
      const end = (): void => {
        timeout.close()
        this.#waits.delete(end)
        resolve()
      }
      const timeout = this.#of.machine.eventLoop.after(ms, end)
      this.#waits.add(end)
    })
  }

  #judge(index: number, agents: readonly string[] | undefined, why: string, stack?: string): Verdict {
    if (this.#ending) return { forGood: true, delay: 0 }
    const { host, registry } = this.#of
    const module = stack === undefined ? undefined : registry.moduleOf(stack, agents ?? [])
    const verdict = this.#supervisor.ended(index, agents, module, type => registry.types.get(type)?.restarts)
    if (verdict.failedModule !== undefined) {
      registry.failModule(verdict.failedModule, why)
      const told = `agent module ${verdict.failedModule} failed, with all its agents: it ended threads too often, last: ${why}`
      host.reports.observer.givenUp(`module ${verdict.failedModule}`, told)
    }
    if (verdict.failed !== undefined) {
      registry.fail(verdict.failed, why)
      const told = `agent type '${verdict.failed}' failed: it ended threads too often, last: ${why}`
      host.reports.observer.givenUp(`type ${verdict.failed}`, told)
    }
    return verdict
  }

  #livesOn(agent: string, index: number): boolean {
    return this.#of.host.directory.livesOn(agent, index)
  }

  // ---- stopping ---------------------------------------------------------------------------------------------------

  /** Stops every thread; none is replaced any more. Never throws. @param why what those are told who wait */
  async stop(ms: number, settle: number, why: StoppedError): Promise<LoopEnd[]> {
    this.#ending = true
    for (const end of this.#waits) end()
    this.recycler.end()
    const threads = this.#of.mesh.loops.filter(loop => loop instanceof ThreadHandle)
    return Promise.all(threads.map(loop => this.#stop(loop, ms, settle, why)))
  }

  /** Ends what has not stopped. */
  async destroy(): Promise<void> {
    await this.#pool?.destroy()
  }

  async #stop(loop: ThreadHandle, ms: number, settle: number, why: StoppedError): Promise<LoopEnd> {
    const { thread, index } = loop
    let killed = false
    const timeout = this.#of.machine.eventLoop.after(ms + settle + STOP_GRACE_MS, () => {
      killed = true
      thread.kill('it did not stop in time')
    })
    // what is known stays, also if its thread ends before it has answered all
    const failures: unknown[] = []
    let left: LoopEnd['left']
    try {
      const said = await loop.order(control => control.stop(ms, settle, plainError(why)))
      failures.push(...said.failures.map(wire => errorFromWire(wire)))
      left = said.left
      await loop.order(control => control.end())
      await thread.ended
      return { index, failures, left }
    } catch (error) {
      if (!(error instanceof RingreeveError)) failures.push(error)
      return { index, failures, left: left ?? (killed ? 'lost' : undefined) }
    } finally {
      timeout.close()
    }
  }
}

function notBegun(error: unknown): string {
  return `it could not begin: ${textOf(error)}`
}
