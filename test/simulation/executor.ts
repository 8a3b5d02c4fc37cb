// Runs the lives of loops on threads of the simulated machine: the real loop, the real orders, no Piscina and no Comlink.
// What it keeps is what an executor keeps: an order is carried out some time later or, when its life ends first, never,
// and then it fails; a life that was told to end goes on for a while; when it is over, nothing of it happens any more.
import type { MessageChannel } from 'node:worker_threads'
import type { AnyAgent } from 'ringreeve'
import { RingreeveError, ThreadLostError } from 'ringreeve'
import type { Ending, Executor, ExecutorOptions, ThreadLife } from '#ringreeve/coordinator/executor.js'
import type { Machine } from '#ringreeve/coordinator/machine.js'
import type { OpenTurn } from '#ringreeve/loop/cell/agents.js'
import { LoopControl } from '#ringreeve/loop/control/control.js'
import type { AgentDescription, Orders, Outcome } from '#ringreeve/loop/control/orders.js'
import { Loop } from '#ringreeve/loop/loop.js'
import { Bell } from '#ringreeve/sync/bell.js'
import { CancelFlags } from '#ringreeve/sync/cancel.js'
import { House, Status } from '#ringreeve/sync/status.js'
import type { LinkParts } from '#ringreeve/transport/link.js'
import { errorToWire } from '#ringreeve/transport/wire-error.js'
import { SimPort } from './ports.js'
import type { SimThread, World } from './world.js'

/** Makes the agents of one life, as loading the module at that URL would. */
export type AgentsOf = (life: SimLife, url: string) => readonly AnyAgent[]

const LOOP_ENDED = 'its loop ended'

type Call = { readonly id: number; readonly method: string; readonly args: unknown[] }
type Reply = { readonly id: number; readonly value?: unknown; readonly error?: unknown }

/** Orders to one loop. */
class SimControl extends LoopControl {
  readonly #life: SimLife

  constructor(loop: Loop, life: SimLife) {
    super(loop)
    this.#life = life
  }

  override async load(url: string): Promise<Outcome<AgentDescription[]>> {
    try {
      return { value: this.loaded(url, this.#life.agents(url)) }
    } catch (error) {
      return { error: errorToWire(error as Error, () => false) }
    }
  }

  override end(): void {
    super.end()
    this.#life.thread.later(() => this.#life.endSoon(LOOP_ENDED, undefined))
  }
}

/** One life of one loop. */
export class SimLife implements ThreadLife {
  readonly index: number
  readonly life: number
  readonly status = new Status()
  readonly flags = new CancelFlags()
  readonly bell = new Bell(this.status)
  readonly ended: Promise<Ending>
  readonly exited: Promise<void>
  over = false
  readonly thread: SimThread
  loop: Loop | undefined
  /** When the last of the others heard that it had ended, unless its loop was told to end. */
  knownAt: number | undefined
  /** Whether it ended because its loop did; undefined while it goes on. */
  endedCleanly: boolean | undefined
  readonly #world: World
  readonly #agentsOf: AgentsOf
  /** Told when it hears that another life is over. */
  readonly #told: (life: number) => void
  readonly #port: SimPort
  /** By URL: what a module exports is the same whenever it is loaded. */
  readonly #modules = new Map<string, readonly AnyAgent[]>()
  readonly #calls = new Map<number, (reply: Reply) => void>()
  #end!: (ending: Ending) => void
  #why: string | undefined
  #last = 0

  constructor(
    world: World,
    index: number,
    life: number,
    options: ExecutorOptions,
    agentsOf: AgentsOf,
    told: (life: number) => void,
  ) {
    this.#told = told
    this.index = index
    this.life = life
    this.#world = world
    this.#agentsOf = agentsOf
    this.thread = world.thread(`${index}.${life}`)
    const { port1, port2 } = world.channel()
    this.#port = port1
    port2.moveTo(this.thread)
    this.ended = new Promise(resolve => {
      this.#end = resolve
    })
    this.exited = this.ended.then(() => {}) // no zombies here
    port1.on('message', message => {
      const reply = message as Reply
      this.#calls.get(reply.id)?.(reply)
      this.#calls.delete(reply.id)
    })
    this.thread.after(world.below(3) * 5, () => this.#begin(options, port2))
  }

  agents(url: string): readonly AnyAgent[] {
    const agents = this.#modules.get(url) ?? this.#agentsOf(this, url)
    this.#modules.set(url, agents)
    return agents
  }

  async order<T>(work: (control: Orders) => Promise<T> | T): Promise<T> {
    const done = work(this.#orders)
    this.bell.interrupt()
    const lost = this.ended.then(({ why }) => {
      throw new ThreadLostError(`thread ${this.index} was lost: ${why}`, true, { thread: this.index })
    })
    lost.catch(() => {})
    return await Promise.race([done, lost])
  }

  kill(why: string): void {
    this.#why ??= why
    this.endSoon(why, undefined)
  }

  /** The thread is inside of something that never returns. */
  hang(): void {
    this.#world.note(`${this.thread.name} hangs`)
    this.thread.stuck = true
  }

  /** The thread is on its way out: it goes on for a while, then ends between two events, or in the middle of one. */
  endSoon(why: string, words: (() => Iterable<OpenTurn>) | undefined): void {
    const { system, below } = this.#world
    system.after(1 + below(3), () => {
      if (words !== undefined || below(2) === 0) return this.endNow(why, words)
      this.#world.moments.doom(this.thread, 1 + below(60), () => this.endNow(why, undefined))
      system.after(5, () => this.endNow(why, undefined)) // it had no such moment
    })
  }

  endNow(why: string, words: (() => Iterable<OpenTurn>) | undefined): void {
    if (this.thread.over) return
    const turns = words === undefined ? undefined : structuredClone([...words()])
    this.#world.note(`${this.thread.name} ends: ${why}`)
    this.thread.die()
    this.endedCleanly = why === LOOP_ENDED
    this.#world.host.after(this.#world.below(3), () => {
      this.#port.close()
      this.over = true
      if (!this.endedCleanly) this.knownAt = this.#world.now
      this.#end({ why: this.#why ?? why, turns, stack: undefined, zombie: false })
    })
  }

  #begin({ task }: ExecutorOptions, port: SimPort): void {
    const { house, ...options } = task
    const { index, life, thread } = this
    const { status, flags } = this
    const own = new House(house.memory, house.built, () => Math.floor(this.#world.now))
    const loop = new Loop({ ...options, index, life, house: own, status, flags, eventLoop: thread })
    this.loop = loop
    const control = new SimControl(loop, this) as unknown as Record<string, (...args: unknown[]) => unknown>
    port.on('message', async message => {
      const { id, method, args } = message as Call
      this.#world.note(`${thread.name} does ${method}`)
      if (method === 'detach') this.#told(args[1] as number)
      let reply: Reply
      try {
        reply = { id, value: await control[method]?.(...args) }
      } catch (error) {
        reply = { id, error }
      }
      port.hand({ ...reply, ...('value' in reply ? { value: structuredClone(reply.value) } : {}) })
    })
    loop.scheduler.rung()
  }

  readonly #orders = new Proxy({} as Orders, {
    get: (_, method) => {
      if (typeof method !== 'string') return undefined
      return (...args: unknown[]) =>
        new Promise((resolve, reject) => {
          const id = ++this.#last
          this.#calls.set(id, reply => ('error' in reply ? reject(reply.error) : resolve(reply.value)))
          this.#port.hand({ id, method, args: args.map(arg => this.#moved(arg)) })
        })
    },
  })

  /** What an order says, as it comes to the thread: ports move, all else is copied. */
  #moved(arg: unknown): unknown {
    const port = arg instanceof SimPort ? arg : (arg as Partial<LinkParts> | undefined)?.port
    if (port === undefined) return structuredClone(arg)
    ;(port as unknown as SimPort).moveTo(this.thread)
    return arg
  }
}

/** The simulated machine as a runtime sees it, with what the test wants to know of it. */
export class SimMachine implements Machine {
  readonly eventLoop: SimThread
  readonly lives: SimLife[] = []
  readonly random: () => number
  readonly #world: World
  readonly #agentsOf: AgentsOf

  constructor(world: World, agentsOf: AgentsOf) {
    this.#world = world
    this.#agentsOf = agentsOf
    this.eventLoop = world.host
    this.random = world.chance
  }

  /** Lives that ended otherwise than in good order. */
  get crashes(): number {
    return this.lives.filter(life => life.endedCleanly === false).length
  }

  /** The lives that go on. */
  get alive(): SimLife[] {
    return this.lives.filter(life => !life.thread.over)
  }

  readonly steady = (): number => Math.floor(this.#world.now)

  readonly channel = (): MessageChannel => this.#world.channel() as unknown as MessageChannel

  executor(options: ExecutorOptions): Executor {
    return {
      spawn: index => {
        const told = (gone: number): void => {
          const other = this.lives[gone - 1] as SimLife
          if (other.knownAt !== undefined) other.knownAt = this.#world.now
        }
        const life = new SimLife(this.#world, index, this.lives.length + 1, options, this.#agentsOf, told)
        this.lives.push(life)
        return life
      },
      zombies: 0,
      destroy: async () => {
        for (const life of this.alive) life.kill('the pool was destroyed')
        await Promise.all(this.lives.map(life => life.ended))
      },
    }
  }
}

/** The code of an error of ours, else what it says. */
export function codeOf(error: unknown): string {
  return error instanceof RingreeveError ? error.code.replace('ERR_RINGREEVE_', '') : String(error)
}
