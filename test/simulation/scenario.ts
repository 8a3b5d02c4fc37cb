// One run: a runtime on the simulated machine, mixed traffic and crashes, all from the seed; then the books. What it
// demands at the end: every send settled in bounded virtual time, `idle()` reached, nothing queued, running or waiting on
// any loop, what was answered in the ledgers although threads ended, and after `close()` no thread, port or timer.
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { RuntimeOptions } from 'ringreeve'
import { LocalRuntime } from '#ringreeve/coordinator/runtime.js'
import { agentsOf, Die, Enter, hearers, type Numbered, Open, Pass, Shout, Told, Wait } from './agents.js'
import { Books } from './books.js'
import { checkEnd, checkLoop } from './checks.js'
import { Diary, KEEPING } from './diary.js'
import { codeOf, type SimLife, SimMachine } from './executor.js'
import { Wide } from './wide.js'
import { LATE_MODULE, lateAgentOf, wideAgentsOf } from './wide-agents.js'
import { World } from './world.js'

/** Hears of what nobody waits for: else the runtime would warn of it. */
const hear = (): void => {}
const HEARD = ['ringreeve:error', 'ringreeve:crash']
const LONGEST_MS = 60_000
const MOST_STEPS = 100_000
const KEYS = 4

/** What to run. */
export interface Plan {
  readonly seed: number
  /** Told of every event. */
  readonly tell?: (line: string) => void
  /** Nothing crashes by chance and no thread interrupts another; life `life` ends at its moment `moment`. */
  readonly crash?: { readonly life: number; readonly moment: number }
  /** Agents are paused, unloaded, registered and so on as well, see wide.ts. */
  readonly wide?: boolean
}

/** What became of it. */
export interface Run {
  readonly wrong: readonly string[]
  readonly hash: number
  readonly steps: number
  readonly messages: number
  readonly crashes: number
  /** Moments that each life had. */
  readonly moments: readonly number[]
}

/** Runs one plan. */
export async function simulate(plan: Plan): Promise<Run> {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0 // stacks travel in frames, and are as long as the paths of this machine
  const world = new World(plan.seed, plan.crash !== undefined)
  world.tell = plan.tell
  for (const channel of HEARD) subscribe(channel, hear)
  using _ = world.moments.install()
  try {
    return await new Scenario(world, plan).run()
  } finally {
    Error.stackTraceLimit = stackTraceLimit
    for (const channel of HEARD) unsubscribe(channel, hear)
  }
}

class Scenario {
  readonly #world: World
  readonly #plan: Plan
  readonly #books: Books
  readonly #machine: SimMachine
  readonly #runtime: LocalRuntime
  readonly #threads: number
  /** The runtime is stopped in the middle of it. */
  readonly #cut: boolean
  /** Threads and types are given up soon. */
  readonly #strict: boolean
  readonly #below: (limit: number) => number
  readonly #wide: Wide | undefined
  #saved = false // sends of the application may have waited for that

  constructor(world: World, plan: Plan) {
    const { below } = world
    this.#world = world
    this.#below = below
    this.#plan = plan
    this.#books = new Books(world)
    const planned = plan.crash !== undefined
    const diary = plan.wide === true ? new Diary(world, this.#books, () => this.#machine) : undefined
    const wider = (life: SimLife | undefined) => (diary === undefined ? [] : wideAgentsOf(this.#books, diary, life))
    this.#machine = new SimMachine(world, (life, url) => {
      if (url === LATE_MODULE) return [lateAgentOf(this.#books, life)]
      if (plan.crash?.life === life.life)
        world.moments.doom(life.thread, plan.crash.moment, () => life.endNow('as planned', undefined))
      return [...agentsOf(world, this.#books, life), ...wider(life)]
    })
    this.#threads = planned ? 2 : 1 + below(3)
    this.#cut = !planned && below(8) === 0
    this.#strict = !planned && below(4) === 0
    if (this.#strict) this.#books.may.push('AGENT_FAILED')
    if (this.#cut) this.#books.may.push('STOPPED', 'CANCELLED', ...(plan.wide === true ? ['AGENT_CREATION'] : []))
    const options: RuntimeOptions = {
      agents: ['file:///simulated.js', ...agentsOf(world, this.#books, undefined), ...wider(undefined)],
      ringBytes: 2_048 << below(3),
      restarts: this.#strict
        ? { max: below(2), within: 10_000, backoff: { min: 1, max: 20 } }
        : { max: 1_000, within: 1_000, backoff: { min: 1, max: 20 } },
    }
    this.#runtime = new LocalRuntime(options, this.#threads, this.#machine)
    if (diary !== undefined) {
      const [books, machine, runtime] = [this.#books, this.#machine, this.#runtime]
      this.#wide = new Wide({ world, books, diary, machine, runtime, at: this.#at.bind(this) })
    }
  }

  async run(): Promise<Run> {
    const world = this.#world
    let over = false
    let thrown: unknown
    world.host.later(() => {
      this.#play()
        .catch(error => {
          thrown = error
        })
        .finally(() => {
          over = true
        })
    })
    const wrong: string[] = []
    try {
      if (!(await world.run(() => over, world.now + LONGEST_MS, MOST_STEPS))) {
        const open = this.#books.open.map(({ n, what, recipients }) => `${what} ${n} to ${recipients}`)
        wrong.push(
          `it hangs after ${Math.round(world.now)} ms and ${world.steps} steps; open: ${open.join(', ') || 'no send'}`,
        )
      } else if (thrown !== undefined) throw thrown
      else {
        await world.run(() => world.openPorts === 0, world.now + 1_000, world.steps + 10_000) // they hear of each other's end
        checkEnd(world, this.#machine, wrong)
      }
    } catch (error) {
      const { cause } = error as Error
      wrong.push(`${error}${cause === undefined ? '' : `: ${cause}`}`)
    }
    wrong.push(...this.#books.audit(this.#machine, this.#cut))
    const { lives } = this.#machine
    return {
      wrong,
      hash: world.hash,
      steps: world.steps,
      messages: this.#books.entries.length,
      crashes: lives.filter(life => !life.endedCleanly).length,
      moments: lives.map(life => world.moments.counts.get(life.thread) ?? 0),
    }
  }

  async #play(): Promise<void> {
    const runtime = this.#runtime
    try {
      await runtime.begin()
    } catch (error) {
      if (this.#plan.crash === undefined || codeOf(error) !== 'THREAD_LOST') throw error
      return // the thread ended before the runtime had begun, and who began it was told
    }
    const under: Promise<unknown>[] = []
    const actions = this.#plan.crash === undefined ? 10 + this.#below(50) : 24
    const span = this.#below(2) === 0 ? 4 : 40
    for (let i = 0; i < actions; i++) under.push(this.#at(this.#below(span), () => this.#act()))
    const wide = this.#wide
    if (wide !== undefined)
      for (let i = 10 + this.#below(50); i > 0; i--) under.push(this.#at(this.#below(span + 20), () => wide.act()))
    if (this.#plan.crash === undefined)
      for (let i = this.#below(4); i > 0; i--) under.push(this.#at(this.#below(span + 20), () => this.#trouble()))
    if (this.#cut) {
      await this.#at(this.#below(span), () => {
        wide?.stops()
        return runtime.stop({ drain: this.#below(2) === 0, timeout: wide === undefined ? 20 : 500 })
      })
      await Promise.all(under)
    } else {
      await Promise.all(under)
      await wide?.calm()
      await runtime.idle()
      this.#checkQuiet()
      for (const type of this.#strict ? [] : wide === undefined ? ['ledger'] : KEEPING)
        for (let key = 0; key < KEYS; key++) await this.#checkLedger(`${type}/${key}`)
    }
    await runtime.close()
  }

  /** Does something of the application's, some time from now. */
  #at(ms: number, work: () => Promise<unknown>): Promise<void> {
    return new Promise(resolve => {
      this.#world.host.after(ms, () => {
        work()
          .catch(() => {}) // the books have it
          .finally(resolve)
      })
    })
  }

  #key(): number {
    return this.#below(KEYS)
  }

  #numbered(n: number): Numbered {
    const kind = this.#below(20)
    if (kind === 0) return { n, filler: 'x'.repeat(this.#below(3_000)) }
    if (kind > 1) return { n }
    const filler: { self?: unknown } = {}
    filler.self = filler
    return { n, filler } // no plain data: it goes by port
  }

  #act(): Promise<unknown> {
    const books = this.#books
    const runtime = this.#runtime
    const chance = this.#below(100)
    if (chance < 30) {
      const idempotent = this.#below(4) === 0
      const to = `ledger/${this.#key()}`
      return books.send({ what: 'enter', recipients: [to], idempotent, may: idempotent ? ['POISONED'] : [] }, n =>
        runtime.send(Enter, this.#numbered(n), to, { idempotent }),
      )
    }
    if (chance < 50) {
      const topic = `${this.#below(2) === 0 ? 'ledger' : 'news'}/${this.#key()}`
      const waited = this.#below(2) === 0
      return books.send({ what: 'told', recipients: hearers(topic), waited }, n =>
        runtime.publish(Told, this.#numbered(n), { topic, until: waited ? 'handled' : 'accepted' }),
      )
    }
    if (chance < 70) return this.#pass()
    if (chance < 76) {
      const to = this.#passer()
      const topic = `news/${this.#key()}`
      return books.send({ what: 'shout', recipients: [to] }, n =>
        runtime.send(Shout, { n, topic, wait: this.#below(2) === 0 }, to),
      )
    }
    if (chance < 84) return this.#wait()
    if (chance < 88) {
      const to = `late/${this.#key()}`
      return books.send({ what: 'wait', recipients: [to], may: ['DEADLINE', 'CANCELLED'] }, n =>
        runtime.send(Wait, { n, ms: this.#below(16) }, to),
      )
    }
    if (chance < 90) return this.#flood()
    if (chance < 91) return this.#save()
    if (chance < 93) return this.#idle()
    if (chance < 95) {
      const to = `strict/${this.#key()}`
      return books.send({ what: 'enter', recipients: [to] }, n => runtime.send(Enter, { n }, to))
    }
    return this.#mortal()
  }

  /** More at once than a ring holds. */
  #flood(): Promise<unknown> {
    const to = this.#passer()
    const filler = 'x'.repeat(20 + this.#below(150))
    if (this.#below(2) === 0) return this.#floodQuietly(filler)
    const all = Array.from({ length: 10 + this.#below(40) }, () =>
      this.#books.send({ what: 'pass', recipients: [to] }, n => this.#runtime.send(Pass, { n, filler, next: [] }, to)),
    )
    return Promise.allSettled(all)
  }

  /** The same, of events that lead to no answer of any kind; then waits until all have come. */
  async #floodQuietly(filler: string): Promise<void> {
    const topic = `quiet/${this.#key()}`
    for (let n = 10 + this.#below(40); n > 0; n--) {
      const told = (number: number) => this.#runtime.publish(Told, { n: number, filler }, { topic })
      this.#books.send({ what: 'told', recipients: hearers(topic), waited: false }, told).catch(() => {})
    }
    await this.#idle()
  }

  /** Saves the state of all: meanwhile what the application sends waits. */
  #save(): Promise<unknown> {
    this.#saved = true
    return this.#runtime.saveState({ timeout: 1 + this.#below(30) }).catch(error => {
      if (!['TIMEOUT', 'THREAD_LOST', 'STOPPED'].includes(codeOf(error)))
        this.#books.wrong.push(`saving failed: ${String(error)}`)
    })
  }

  /** Waits until all is idle: then everything that was sent before has come. */
  async #idle(): Promise<void> {
    const calledAt = this.#world.now
    const before = this.#books.entries.length
    await this.#runtime.idle()
    this.#world.note(`idle since ${calledAt}`)
    if (this.#cut || this.#saved || this.#wide?.saved === true || this.#machine.lives.some(life => life.thread.over))
      return
    this.#books.checkCame(before)
  }

  #passer(): string {
    return `${this.#below(4) === 0 ? 'desk' : 'worker'}/${this.#key()}`
  }

  #pass(): Promise<unknown> {
    const next = Array.from({ length: this.#below(4) }, () => this.#passer())
    if (this.#below(2) === 0) next.push(`${this.#below(3) === 0 ? 'strict' : 'ledger'}/${this.#key()}`)
    const to = this.#passer()
    const signal = this.#below(5) === 0 ? this.#signal() : undefined
    const may = signal === undefined ? [] : ['CANCELLED']
    if (signal !== undefined && !this.#books.may.includes('CANCELLED')) this.#books.may.push('CANCELLED') // and what it sends
    return this.#books.send({ what: 'pass', recipients: [to], may }, n =>
      this.#runtime.send(Pass, { ...this.#numbered(n), next }, to, signal && { signal }),
    )
  }

  #wait(): Promise<unknown> {
    const to = this.#passer()
    const options = this.#below(2) === 0 ? { signal: this.#signal() } : { timeout: 1 + this.#below(10) }
    return this.#books.send({ what: 'wait', recipients: [to], may: ['CANCELLED', 'TIMEOUT'] }, n =>
      this.#runtime.send(Wait, { n, ms: this.#below(12) }, to, options),
    )
  }

  #signal(): AbortSignal {
    const controller = new AbortController()
    this.#world.host.after(this.#below(10), () => controller.abort('no longer wanted')).unref()
    return controller.signal
  }

  #mortal(): Promise<unknown> {
    const to = `mortal/${this.#key()}`
    if (this.#below(3) > 0)
      return this.#books.send({ what: 'enter', recipients: [to], may: ['STOPPED'] }, n =>
        this.#runtime.send(Enter, { n }, to),
      )
    const drain = this.#below(2) === 0
    return this.#runtime
      .handle({ type: 'mortal' }, to.slice(7))
      .stop({ drain, timeout: 30 })
      .catch(error => {
        if (!['THREAD_LOST', 'STOPPED', 'AGENT_FAILED'].includes(codeOf(error)))
          this.#books.wrong.push(`stop of ${to}: ${String(error)}`)
      })
  }

  #trouble(): Promise<unknown> {
    const { alive } = this.#machine
    if (this.#below(4) === 0) {
      // its heap is full: its agents are to move to the next life
      const { loop, index, life } = alive[this.#below(alive.length)] ?? {}
      if (loop !== undefined && index !== undefined && life !== undefined) {
        loop.reports.tellHost({ kind: 'full', loop: index, life, heap: { used: 1, threshold: 1 } })
        loop.show() // it is no work that idle() counts: shown later, it could come to a host that is idle
      }
      return Promise.resolve()
    }
    if (this.#below(2) === 0) {
      const life = alive[this.#below(alive.length)] as SimLife | undefined
      life?.endSoon('it was ended from outside', undefined)
      return life?.ended ?? Promise.resolve()
    }
    const how = (['exit', 'doom', 'stuck'] as const)[this.#below(3)] as 'exit'
    const to = `deadly/${this.#key()}`
    return this.#books.send({ what: 'die', recipients: [to], may: ['DEADLINE'] }, n =>
      this.#runtime.send(Die, { n, how }, to),
    )
  }

  /** Nothing is under way: so it must look from everywhere. */
  #checkQuiet(): void {
    const { wrong } = this.#books
    for (const { loop, alive, queued, running } of this.#runtime.stats().loops) {
      if (!alive && !this.#strict) wrong.push(`loop ${loop} is not there`)
      // a thread that has just ended, and of which nobody has heard yet, may have left its gauges half told
      const there = loop === 0 || this.#machine.alive.some(life => life.index === loop)
      if (alive && there && queued + running > 0) wrong.push(`loop ${loop} has ${queued} queued and ${running} running`)
    }
    const loops = [this.#runtime.host, ...this.#machine.alive.map(life => life.loop)]
    for (const loop of loops) if (loop !== undefined) checkLoop(loop, this.#wide !== undefined, wrong)
  }

  /** What was answered is in the ledger, whatever ended since; in the order in which each sender sent it. */
  async #checkLedger(ledger: string): Promise<void> {
    const { entries, wrong } = this.#books
    const open = (): Promise<number[]> => this.#runtime.send(Open, undefined, ledger)
    const there = await open().catch(error => {
      if (codeOf(error) === 'THREAD_LOST') return open() // the crash that was planned
      throw error
    })
    for (const { n, what, must, waited, outcome, forgotten } of entries) {
      const answered = waited && !forgotten && outcome !== undefined && !('error' in outcome)
      if (must.includes(ledger) && answered && !there.includes(n))
        wrong.push(`${what} ${n} was answered and is not in ${ledger}`)
    }
  }
}
