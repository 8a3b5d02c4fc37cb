// Lives without threads: each carries out the orders that the test has not taken over, and ends when it is killed.
import { MessageChannel } from 'node:worker_threads'
import { StoppedError, ThreadLostError } from '#ringreeve/agent/errors.js'
import type { Ending, Executor, ThreadLife } from '#ringreeve/coordinator/executor.js'
import { Lives } from '#ringreeve/coordinator/lives.js'
import { HostHandle, Mesh } from '#ringreeve/coordinator/mesh.js'
import { Registry } from '#ringreeve/coordinator/registry.js'
import type { Watchdog } from '#ringreeve/coordinator/watchdog.js'
import { type EventLoop, ownEventLoop } from '#ringreeve/loop/base/event-loop.js'
import type { LoopControl } from '#ringreeve/loop/control/control.js'
import type { Orders } from '#ringreeve/loop/control/orders.js'
import type { Loop } from '#ringreeve/loop/loop.js'
import { Bell } from '#ringreeve/sync/bell.js'
import { CancelFlags } from '#ringreeve/sync/cancel.js'
import { House, Status } from '#ringreeve/sync/status.js'

/** What becomes of an order, by its name. */
export type Answers = Partial<Record<keyof LoopControl, (...args: never[]) => unknown>>

/** What loops do that nobody has told anything else. */
const usual: Answers = {
  load: () => ({ value: [] }),
  intercept: () => ({ value: undefined }),
  hold: () => true,
  leave: () => ({ moved: 1, active: [] }),
  stop: () => ({ failures: [], left: { agents: [], more: 0, unstopped: 0 } }),
}

function ordersTo(name: string, log: string[], answers: Answers): Orders {
  return new Proxy({} as Orders, {
    get: (_, order: keyof LoopControl) =>
      order === ('then' as string)
        ? undefined
        : async (...args: never[]) => {
            const detail = order === 'detach' ? ` ${args[0]}.${args[1]}${args[3] ? ' for good' : ''}` : ''
            log.push(`${name} ${order}${detail}`)
            return await (answers[order] ?? usual[order])?.(...args)
          },
  })
}

/** One life of one loop. */
export class FakeLife implements ThreadLife {
  readonly index: number
  readonly life: number
  readonly status = new Status()
  readonly flags = new CancelFlags()
  readonly bell = new Bell(this.status)
  readonly ended: Promise<Ending>
  readonly exited: Promise<void>
  over = false
  readonly answers: Answers
  readonly #orders: Orders
  #end!: (ending: Ending) => void

  constructor(index: number, life: number, log: string[], answers: Answers) {
    this.index = index
    this.life = life
    this.answers = { end: () => this.kill('its loop ended'), ...answers }
    this.#orders = ordersTo(`${index}.${life}`, log, this.answers)
    this.ended = new Promise(resolve => {
      this.#end = resolve
    })
    this.exited = this.ended.then(() => {})
  }

  async order<T>(work: (control: Orders) => Promise<T> | T): Promise<T> {
    const lost = this.ended.then(({ why }) => {
      throw new ThreadLostError(`thread ${this.index} was lost: ${why}`, true, { thread: this.index })
    })
    lost.catch(() => {})
    return await Promise.race(this.over ? [lost] : [work(this.#orders), lost])
  }

  /** It ends, and whoever looks knows. */
  async die(why: string): Promise<void> {
    this.kill(why)
    await this.ended
  }

  kill(why: string): void {
    this.over = true
    this.#end({ why, turns: undefined, stack: undefined, zombie: false })
  }
}

/** Lives of `threads` loops, which the test ends and answers for. @param answers of the nth life, from 1 */
export function livesOf(threads: number, max = 3, answers: (life: number) => Answers = () => ({})) {
  const log: string[] = []
  const told: string[] = []
  const all: FakeLife[] = []
  const gone = new Set<number>()
  const house = new House()
  const mesh = new Mesh(65_536, () => new MessageChannel())
  const eventLoop: EventLoop = { ...ownEventLoop, after: (ms, work) => ownEventLoop.after(ms / 20, work) }
  const host = {
    reports: {
      observer: { crash: (why: string) => told.push(why), givenUp: () => {}, recycle: (why: string) => told.push(why) },
      unhandled: (_cell: unknown, _turn: unknown, error: unknown) => told.push(String(error)),
    },
    directory: { livesOn: (_agent: string, index: number) => index === 1 },
    peers: { isGone: (index: number) => gone.has(index) },
    admission: { reason: new StoppedError('the runtime was stopped') },
    ledger: { changed: () => {} },
  }
  const control = ordersTo('host', log, {
    detach: (index: number, _life: number, _why: string, forGood: boolean) => forGood && gone.add(index),
  })
  void mesh.join(new HostHandle(control as unknown as LoopControl, new Status(), new CancelFlags()), () => {})
  const registry = new Registry(threads)
  const watchdog = { watch: () => {}, forget: () => undefined }
  const failed: string[] = []
  let settled = 0
  const lives = new Lives({
    host: host as unknown as Loop,
    mesh,
    registry,
    watchdog: watchdog as unknown as Watchdog,
    machine: {
      eventLoop,
      steady: () => house.now(),
      random: () => 0,
      channel: () => new MessageChannel(),
      executor: () => pool,
    },
    limits: { restarts: { max, within: 60_000, backoff: { min: 1, max: 1 } }, maxZombies: 2, loadTimeout: 30_000 },
    look: () => settled++,
    failed: why => failed.push(why),
  })
  const pool: Executor = {
    spawn: index => {
      const life = new FakeLife(index, all.length + 1, log, answers(all.length + 1))
      all.push(life)
      return life
    },
    zombies: 0,
    destroy: async () => {},
  }
  const addressOf = (loop: number) => ({ loop, text: 'a/x' }) as Parameters<Lives['loopOf']>[0]
  return {
    lives,
    mesh,
    registry,
    log,
    told,
    all,
    begin: () => lives.begin(pool, threads),
    loopOf: (index: number) => lives.loopOf(addressOf(index)),
    settled: () => settled,
  }
}

/** Lets what can happen now happen. */
export async function steps(count = 5): Promise<void> {
  for (let n = 0; n < count; n++) await new Promise(resolve => setImmediate(resolve))
}
