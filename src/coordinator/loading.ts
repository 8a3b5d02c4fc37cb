// Agent modules, from their URL to being hosted. What it keeps: a module is registered when every loop that is there and
// where a type of it is to live has loaded it and its types are new, or nothing of it is; no other loop loads it, but for
// the one that was asked what is in it. Loading has a time limit, and an error that names the module. A
// thread that begins loads what is registered, so what is being registered cannot keep it from beginning; and a thread that
// ends while a module is tried is not charged with it.
import { AlreadyExistsError, ModuleError, ThreadLostError } from '../agent/errors.js'
import type { EventLoop } from '../loop/base/event-loop.js'
import { type AgentDescription, type Outcome, unwrap } from '../loop/control/orders.js'
import type { Observer } from '../observe/observer.js'
import type { ThreadLife } from './executor.js'
import { type LoopHandle, type Mesh, ThreadHandle } from './mesh.js'
import type { Registry } from './registry.js'

/** What takes longer than this to load is told of. */
const SLOW_MS = 5_000
/** A loop says itself that a module was not loaded in time; one that does not say so by then computes in it. */
const GRACE_MS = 1_000
/**
 * A thread may end while it loads a module that is to be registered, and the first end may have had another reason: twice, or
 * three times if something else was at work there that may have ended it.
 */
const MOST_ENDS = 6
const OWN_END = 3
const OTHERS_END = 2

/** What loading needs of the lives. */
export interface LoadingHost {
  readonly mesh: Mesh
  readonly registry: Registry
  readonly observer: Observer
  readonly eventLoop: EventLoop
  /** Milliseconds that a module may take. */
  readonly limit: number
  /** Where a thread is that does not come back to its event loop, if that can be known. */
  stackOf(thread: number): Promise<string | undefined>
  /** The loops that load modules, as many as are there. */
  present(): readonly LoopHandle[]
  /** Waits until there is one. @throws ThreadLostError, StoppedError */
  anyPresent(): Promise<void>
}

/** Has loops load modules. */
export class Loading {
  readonly #host: LoadingHost
  /** Modules that are tried. */
  readonly #tried = new Set<string>()
  /** Lives that load such a module now, or have ended over it. */
  readonly #trying = new WeakMap<ThreadLife, string>()
  /** Those that may have ended over something else. */
  readonly #doubtful = new WeakSet<ThreadLife>()
  /** Orders to load a module. */
  #orders = 0
  /** Whoever waits for a module, to be told when the run ends. */
  readonly #waiting = new Set<(reason: Error) => void>()
  /** Why the run is over, if it is. */
  #over: Error | undefined

  constructor(host: LoadingHost) {
    this.#host = host
  }

  /**
   * A life has ended. Call before who waits for its orders hears of it.
   * @param open whether anything else was at work there
   * @param stack of what ended it, if that is known
   * @returns whether it was loading a module that is not registered yet, and is to be blamed for nothing else
   */
  ended(thread: ThreadLife, open: boolean, stack: string | undefined): boolean {
    const url = this.#trying.get(thread)
    if (url === undefined) return false
    const own = !open || stack?.includes(url) === true
    if (!own) this.#doubtful.add(thread)
    return own
  }

  /** The run is over: nobody waits for a module any more. */
  end(reason: Error): void {
    this.#over = reason
    for (const fail of this.#waiting) fail(reason)
  }

  /** @returns the agents of the module, which is registered and hosted. @throws ModuleError, AlreadyExistsError, ThreadLostError, StoppedError */
  async register(url: string): Promise<AgentDescription[]> {
    const { mesh, registry } = this.#host
    if (registry.modules.includes(url) || this.#tried.has(url)) throw registeredAlready(url)
    this.#tried.add(url)
    try {
      const [first, found] = await this.#loadFirst(url)
      const homes = registry.choose(found)
      const loaded = new Set([first])
      const missing = () =>
        this.#host.present().filter(loop => homes.some(of => of.includes(loop.index)) && !loaded.has(loop))
      const ends = new Map<number, number>()
      for (let more = missing(); more.length > 0; more = missing()) {
        await Promise.all(more.map(async loop => (await this.#try(loop, url, ends)) && loaded.add(loop)))
      }
      // No wait since that look and none to the order that hosts it: who is joined later is taught it, and no table comes
      // before it.
      registry.addModule(url, found, homes)
      await mesh.everywhere(loop => loop.order(control => control.admit([url])))
      return found
    } finally {
      this.#tried.delete(url)
    }
  }

  /** Only a loop that has loaded a module knows what is in it, and so who else is to load it. */
  async #loadFirst(url: string): Promise<readonly [LoopHandle, AgentDescription[]]> {
    const { registry } = this.#host
    const ends = new Map<number, number>()
    for (;;) {
      await this.#host.anyPresent()
      const present = this.#host.present()
      const { freest } = registry
      const loop = present.find(({ index }) => index === freest) ?? present[0]
      const found = loop && (await this.#try(loop, url, ends))
      if (loop !== undefined && found !== undefined) return [loop, found]
    }
  }

  /**
   * @param ends how often its thread has ended meanwhile, by loop
   * @returns undefined when it has, and another life is to try
   */
  async #try(loop: LoopHandle, url: string, ends: Map<number, number>): Promise<AgentDescription[] | undefined> {
    const thread = loop instanceof ThreadHandle ? loop.thread : undefined
    if (thread !== undefined) this.#trying.set(thread, url)
    try {
      return await this.load(loop, url)
    } catch (error) {
      if (!(error instanceof ThreadLostError)) throw error
      if (this.#over !== undefined) throw this.#over // then threads end, whatever they load
      const count = (ends.get(loop.index) ?? 0) + (thread && this.#doubtful.has(thread) ? OTHERS_END : OWN_END)
      ends.set(loop.index, count)
      if (count < MOST_ENDS) return undefined
      throw notLoaded(url, error)
    }
  }

  /** Has one loop load a module. @throws ModuleError, ThreadLostError, StoppedError */
  load(loop: LoopHandle, url: string): Promise<AgentDescription[]> {
    const { limit } = this.#host
    return this.#inTime(loop, url, async number => {
      const outcome = await loop.order(control => control.load(url, limit, number))
      if (loop instanceof ThreadHandle) this.#trying.delete(loop.thread) // it has answered, whatever it says
      return outcome
    })
  }

  /** Has one loop load a module of interceptors, and chain them. @throws ModuleError, StoppedError */
  async intercept(loop: LoopHandle, url: string): Promise<void> {
    const { limit } = this.#host
    try {
      await this.#inTime(loop, url, number => loop.order(control => control.intercept(url, limit, number)))
    } catch (error) {
      if (!(error instanceof ThreadLostError)) throw error
      throw this.#over ?? notLoaded(url, error)
    }
  }

  async #inTime<T>(loop: LoopHandle, url: string, order: (number: number) => Promise<Outcome<T>>): Promise<T> {
    const { eventLoop, limit, observer } = this.#host
    this.#orders = (this.#orders + 1) | 0
    const number = this.#orders
    const where = loop.index === 0 ? 'the calling loop' : `thread ${loop.index}`
    let fail!: (reason: Error) => void
    const failed = new Promise<never>((_, reject) => {
      fail = reject
    })
    const slow = eventLoop.after(Math.min(SLOW_MS, limit), () =>
      observer.stalled(`${where} has been loading module ${url} for ${Math.min(SLOW_MS, limit)} ms`, undefined),
    )
    const late = eventLoop.after(limit + GRACE_MS, async () => {
      const computes = await this.#computesIn(loop, url, number)
      if (!this.#waiting.has(fail)) return // it came after all
      const why = computes
        ? `it computes since it began to load module ${url}, for more than ${limit} ms (loadTimeout)`
        : `it computes something else, and has not come to it in ${limit} ms (loadTimeout)`
      fail(new ModuleError(`agent module ${url} was not loaded on ${where}: ${why}`))
      if (computes && loop instanceof ThreadHandle) loop.thread.kill(why)
    })
    this.#waiting.add(fail)
    try {
      return unwrap(await Promise.race([order(number), failed]))
    } finally {
      this.#waiting.delete(fail)
      slow.close()
      late.close()
    }
  }

  /** Whether a loop that does not come by is kept by the module that it was to load, and not by one of its agents. */
  async #computesIn(loop: LoopHandle, url: string, number: number): Promise<boolean> {
    if (!(loop instanceof ThreadHandle)) return true // the calling loop is here
    const { begun, since } = loop.status.loading(number)
    if (!begun || since) return since
    return (await this.#host.stackOf(loop.status.thread))?.includes(url) === true
  }
}

function notLoaded(url: string, error: ThreadLostError): ModuleError {
  return new ModuleError(`agent module ${url} could not be loaded: ${error.message}, while it loaded it`, {
    cause: error,
  })
}

function registeredAlready(url: string): AlreadyExistsError {
  return new AlreadyExistsError(`agent module ${url} is registered already`)
}
