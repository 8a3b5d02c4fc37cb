// Carries out what the coordinator orders a loop to do. The host's loop is told directly, a thread's over Comlink; so an order
// takes and returns plain data (and message ports) only. What takes functions is no order: it can be called on the calling loop only.
import type { MessagePort } from 'node:worker_threads'
import type { AnyAgent } from '../../agent/definition.js'
import { AlreadyExistsError, ModuleError, type StoppedError } from '../../agent/errors.js'
import type { Interceptor } from '../../agent/interceptor.js'
import type { RouteChanges, RouteTable } from '../../routing/table.js'
import type { Status } from '../../sync/status.js'
import type { LinkParts } from '../../transport/link.js'
import { errorFromWire, type WireError } from '../../transport/wire-error.js'
import { within } from '../base/event-loop.js'
import type { Heap, Kept } from '../base/reports.js'
import type { Stuck, TurnRef, Verdict } from '../base/waits.js'
import type { Busy } from '../cell/agents.js'
import { HostedType } from '../hosted.js'
import type { Loop } from '../loop.js'
import { Move } from '../move.js'
import type { Deserted } from './deserted.js'
import { endWaits } from './end-waits.js'
import { Load } from './load.js'
import { type Exports, loadModule } from './modules.js'
import {
  type AgentDescription,
  type Cut,
  type Farewell,
  type Leaving,
  type Orders,
  type Outcome,
  outcomeOf,
  plainError,
  type SavedState,
  type Stopped,
} from './orders.js'
import { Snapshots } from './snapshots.js'

/** A thread that is ours alone. */
export interface OwnThread {
  readonly deserted: Deserted
  readonly status: Pick<Status, 'beginLoad'>
}

/** Takes the orders of one loop. */
export class LoopControl implements Orders {
  readonly #loop: Loop
  readonly #thread: OwnThread | undefined
  readonly #snapshots: Snapshots
  readonly #move: Move
  /** The states that are being put in. */
  #load: Load | undefined
  /** By URL: what modules export that are loaded and not hosted. Whether they may be is not for one loop to say. */
  readonly #loaded = new Map<string, readonly AnyAgent[]>()

  constructor(loop: Loop, thread?: OwnThread) {
    this.#loop = loop
    this.#thread = thread
    this.#snapshots = new Snapshots(loop.agents)
    this.#move = new Move(loop)
  }

  attach(parts: LinkParts): void {
    this.#loop.peers.attach(parts)
  }

  detach(index: number, life: number, why: string, forGood: boolean, overdue?: string): void {
    this.#loop.peers.detach(index, life, why, forGood, overdue)
  }

  route(table: RouteTable): void {
    this.#loop.peers.takeIn()
    this.#loop.route(table)
  }

  reroute(changes: RouteChanges): void {
    this.#loop.peers.takeIn()
    this.#loop.directory.change(changes)
  }

  remember(kept: readonly Kept[]): void {
    this.#loop.agents.checkpoints.remember(kept)
  }

  resume(): void {
    this.#loop.scheduler.resume()
  }

  load(url: string, ms: number, number: number): Promise<Outcome<AgentDescription[]>> {
    return outcomeOf(async () => this.loaded(url, (await this.#import(url, ms, number)).agents))
  }

  /** A module is there. @throws ModuleError, AlreadyExistsError when it is none that can be hosted */
  protected loaded(url: string, agents: readonly AnyAgent[]): AgentDescription[] {
    if (agents.length === 0) {
      throw new ModuleError(`agent module ${url} exports no agent; export what agent('…') returned`)
    }
    const types = agents.map(agent => agent.spec.type)
    const twice = types.find((type, at) => types.indexOf(type) !== at)
    if (twice !== undefined) {
      throw new AlreadyExistsError(`agent module ${url} exports two agents of type '${twice}'; rename one`, {
        agent: twice,
      })
    }
    this.#loaded.set(url, agents)
    return agents.map(descriptionOf)
  }

  admit(urls: readonly string[]): void {
    for (const url of urls) {
      for (const agent of this.#loaded.get(url) ?? []) this.#loop.host(new HostedType(agent))
      this.#loaded.delete(url)
    }
  }

  intercept(url: string, ms: number, number: number): Promise<Outcome<void>> {
    return outcomeOf(async () => {
      const { interceptors } = await this.#import(url, ms, number)
      if (interceptors.length === 0) {
        throw new ModuleError(`module ${url} exports no interceptor; export what interceptor({…}) returned`)
      }
      for (const one of interceptors) this.chain(one)
    })
  }

  async #import(url: string, ms: number, number: number): Promise<Exports> {
    this.#thread?.status.beginLoad(number)
    const loading = loadModule(url)
    const why = await this.#whyNot(loading, ms)
    if (why !== undefined) throw new ModuleError(`agent module ${url} was not loaded${why}`)
    return loading
  }

  /** @returns why a module is waited for no longer, undefined when it is there. @throws what its loading throws */
  async #whyNot(loading: Promise<Exports>, ms: number): Promise<string | undefined> {
    const deserted = this.#thread?.deserted
    const inTime = within(this.#loop.eventLoop, ms, loading, { weak: deserted !== undefined })
    const empty = deserted !== undefined && (await Promise.race([inTime.then(() => false), deserted.before(loading)]))
    if (empty) return ': nothing is left on its thread that could end what it awaits at its top level'
    if (await inTime) return undefined
    return ` in ${ms} ms (loadTimeout): something that it awaits at its top level does not come`
  }

  /** On the calling loop only: an interceptor is a set of functions. */
  chain(interceptor: Interceptor): void {
    this.#loop.passage.intercept(interceptor)
  }

  /** On the calling loop only: a definition holds functions. */
  host(agent: AnyAgent): AgentDescription {
    this.#loop.host(new HostedType(agent))
    return descriptionOf(agent)
  }

  ensure(agent: string): Promise<Outcome<void>> {
    return outcomeOf(() => this.#loop.agents.of(agent).ensure())
  }

  blocked(turns: readonly TurnRef[]): Stuck {
    return this.#loop.agents.blocked(turns)
  }

  endWaits(verdicts: readonly Verdict[]): void {
    const { agents, peers, scheduler } = this.#loop
    endWaits(verdicts, agents, peers.list)
    scheduler.flush()
  }

  lull(on: boolean): void {
    const { lull } = this.#loop.admission
    if (on) lull.begin()
    else lull.end()
  }

  cut(): Promise<Outcome<Cut>> {
    const { accepted, balanced } = this.#loop.ledger
    return outcomeOf(() => (balanced ? { accepted, states: this.#snapshots.save() } : 'busy'))
  }

  save(agent?: string): Promise<Outcome<SavedState[]>> {
    return outcomeOf(() => this.#snapshots.save(agent))
  }

  restore(saved: readonly SavedState[], ms: number): Promise<Outcome<void>> {
    return outcomeOf(async () => {
      const load = this.#begin(saved)
      try {
        await load.make(ms)
        load.put()
      } catch (error) {
        await load.takeBack()
        throw error
      }
    })
  }

  check(saved: readonly SavedState[]): Promise<Outcome<void>> {
    return outcomeOf(() => {
      this.#load = this.#begin(saved)
    })
  }

  make(ms: number): Promise<Outcome<void>> {
    return outcomeOf(() => this.#load?.make(ms))
  }

  put(): Promise<Outcome<void>> {
    return outcomeOf(() => this.#load?.put())
  }

  endLoad(done: boolean): Promise<Outcome<void>> {
    const load = this.#load
    this.#load = undefined
    return outcomeOf(() => (done ? undefined : load?.takeBack()))
  }

  #begin(saved: readonly SavedState[]): Load {
    const { agents, eventLoop } = this.#loop
    return new Load(agents, eventLoop, saved)
  }

  rest(): void {
    this.#loop.rest()
  }

  /** See {@link Peer.hold}. */
  hold(index: number, life: number, all: boolean): boolean {
    return this.#loop.peers.of(index).hold(life, all)
  }

  release(index: number, life: number): void {
    this.#loop.peers.of(index).release(life)
    this.#loop.scheduler.flush()
  }

  // the steps of a move, in their order

  weigh(): string | undefined {
    return this.#move.weigh()
  }

  settle(ms: number): Promise<string | undefined> {
    return this.#move.settle(ms)
  }

  leave(port: MessagePort): Leaving {
    return this.#move.leave(port)
  }

  stay(): Promise<void> {
    return this.#move.stay()
  }

  moveIn(port: MessagePort): Heap | undefined {
    return this.#move.moveIn(port)
  }

  rouse(agents: readonly string[]): Promise<void> {
    return this.#move.rouse(agents)
  }

  pauseAgent(agent: string): void {
    this.#loop.agents.of(agent).pause()
  }

  resumeAgent(agent: string): void {
    this.#loop.agents.existing(agent)?.resume()
  }

  takeIn(): void {
    this.#loop.peers.takeIn()
  }

  dropAgent(agent: string, ms: number): Promise<Outcome<void>> {
    this.#loop.peers.takeIn()
    return outcomeOf(() => this.#loop.agents.of(agent).drop(ms))
  }

  async farewell(): Promise<Farewell> {
    const { stopped, failures } = await this.#loop.farewell()
    return { stopped, failures: failures.map(plainError) }
  }

  busy(): Busy {
    return this.#loop.agents.busy()
  }

  async stop(ms: number, settle: number, why: WireError): Promise<Stopped> {
    const { admission } = this.#loop
    if (admission.reason.message !== why.message) admission.failWith(errorFromWire(why) as StoppedError)
    const { failures, left } = await this.#loop.stop(ms, settle)
    return { failures: failures.map(plainError), left }
  }

  end(): void {
    this.#loop.end()
  }
}

function descriptionOf({ spec }: AnyAgent): AgentDescription {
  const { type, options, handlers } = spec
  return {
    type,
    description: options.description,
    messages: [...new Set(handlers.map(entry => entry.message.name))],
    subscriptions: options.subscriptions ?? [],
    threads: options.threads,
    concurrency: options.concurrency ?? 'serial',
    deadline: options.deadline,
    restarts: options.restarts,
    version: options.version ?? 1,
  }
}
