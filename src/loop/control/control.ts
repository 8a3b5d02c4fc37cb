// What the coordinator can tell a loop. The host's loop is told directly, a thread's over Comlink; so everything here
// takes and returns plain data (and ports), and errors that are ours come back as plain data too.
import type { MessagePort } from 'node:worker_threads'
import type { AnyAgent } from '../../agent/definition.js'
import { AlreadyExistsError, ModuleError, StateError } from '../../agent/errors.js'
import { type AgentId, toAgentId } from '../../agent/ids.js'
import type { Interceptor } from '../../agent/interceptor.js'
import type { RestartPolicy, TopicPattern } from '../../agent/options.js'
import type { RouteTable } from '../../routing/table.js'
import type { LinkParts } from '../../transport/link.js'
import { errorFromWire, errorToWire, type WireError } from '../../transport/wire-error.js'
import type { Heap, Kept } from '../base/reports.js'
import { HostedType } from '../hosted.js'
import type { Loop } from '../loop.js'
import { type Leaving, Move } from '../move.js'
import { loadModule } from './modules.js'

/** What the coordinator knows of an agent type. */
export interface AgentDescription {
  readonly type: string
  readonly description: string | undefined
  readonly messages: readonly string[]
  readonly subscriptions: readonly TopicPattern[]
  readonly threads: number | undefined
  readonly concurrency: string | number
  readonly deadline: number | undefined
  readonly restarts: RestartPolicy | undefined
  readonly version: number
}

/** State of one agent, with the version of its type. */
export interface SavedState {
  readonly agent: string
  readonly version: number
  readonly state: unknown
}

/** A result, or an error of ours as plain data. */
export type Outcome<T> = { readonly value: T } | { readonly error: WireError }

/** Undoes {@link Outcome}. */
export function unwrap<T>(outcome: Outcome<T>): T {
  if ('error' in outcome) throw errorFromWire(outcome.error)
  return outcome.value
}

async function outcomeOf<T>(work: () => T | Promise<T>): Promise<Outcome<T>> {
  try {
    return { value: await work() }
  } catch (error) {
    const known = error instanceof Error ? error : new Error(String(error))
    return { error: errorToWire(known, isCloneable) }
  }
}

function isCloneable(part: unknown): boolean {
  try {
    structuredClone(part)
    return true
  } catch {
    return false
  }
}

/** Orders to one loop. */
export class LoopControl {
  readonly #loop: Loop
  readonly #move: Move

  constructor(loop: Loop) {
    this.#loop = loop
    this.#move = new Move(loop)
  }

  attach(parts: LinkParts): void {
    this.#loop.peers.attach(parts)
  }

  detach(index: number, life: number, why: string, forGood: boolean, overdue?: string): void {
    this.#loop.peers.detach(index, life, why, forGood, overdue)
  }

  /** Replaces the routes. What was sent before goes by those it was sent by. */
  route(table: RouteTable): void {
    this.#loop.peers.takeIn()
    this.#loop.route(table)
  }

  /** Takes what the life before left of its agents. */
  remember(kept: readonly Kept[]): void {
    this.#loop.agents.checkpoints.remember(kept)
  }

  resume(): void {
    this.#loop.scheduler.resume()
  }

  /** Loads modules and hosts the agents they export. Their interceptors are chained in the order given. */
  load(urls: readonly string[]): Promise<Outcome<AgentDescription[]>> {
    return outcomeOf(async () => {
      const found: AgentDescription[] = []
      for (const url of urls) {
        const { agents } = await loadModule(url)
        if (agents.length === 0) {
          throw new ModuleError(`agent module ${url} exports no agent; export what agent('…') returned`)
        }
        for (const agent of agents) found.push(this.host(agent))
      }
      return found
    })
  }

  /** Loads modules and chains the interceptors they export. */
  intercept(urls: readonly string[]): Promise<Outcome<void>> {
    return outcomeOf(async () => {
      for (const url of urls) {
        const { interceptors } = await loadModule(url)
        if (interceptors.length === 0) {
          throw new ModuleError(`module ${url} exports no interceptor; export what interceptor({…}) returned`)
        }
        for (const one of interceptors) this.chain(one)
      }
    })
  }

  /** On the calling loop only: an interceptor is a set of functions. */
  chain(interceptor: Interceptor): void {
    this.#loop.passage.intercept(interceptor)
  }

  /** On the calling loop only: a definition holds functions. */
  host(agent: AnyAgent): AgentDescription {
    const { type, options } = agent.spec
    const hosted = this.#loop.agents.type(type)
    if (hosted !== undefined && hosted.spec !== agent.spec) {
      throw new AlreadyExistsError(`agent type '${type}' is registered already`, { agent: type })
    }
    if (hosted === undefined) this.#loop.host(new HostedType(agent))
    return {
      type,
      description: options.description,
      messages: [...new Set(agent.spec.handlers.map(entry => entry.message.name))],
      subscriptions: options.subscriptions ?? [],
      threads: options.threads,
      concurrency: options.concurrency ?? 'serial',
      deadline: options.deadline,
      restarts: options.restarts,
      version: options.version ?? 1,
    }
  }

  ensure(agent: string): Promise<Outcome<void>> {
    return outcomeOf(() => this.#loop.agents.of(agent).ensure())
  }

  /** States of the agents that exist here: of all, or of one. */
  save(agent?: string): Promise<Outcome<SavedState[]>> {
    return outcomeOf(() => {
      const left = [...this.#loop.agents.checkpoints.waiting]
        .filter(kept => kept.state !== undefined && (agent === undefined || kept.agent === agent))
        .map(({ agent, state }) => {
          const version = this.#loop.agents.type(toAgentId(agent).type)?.version as number
          return { agent, version, state: state?.value }
        })
      const cells = agent === undefined ? [...this.#loop.agents.cells] : [this.#loop.agents.existing(agent)]
      const unloaded = [...this.#loop.agents.unloaded].filter(([text]) => agent === undefined || text === agent)
      const away = unloaded.map(([text, state]) => {
        const id = toAgentId(text)
        return { agent: text, version: this.#loop.agents.type(id.type)?.version ?? 1, state: this.#plain(id, state) }
      })
      const here = cells
        .filter(cell => cell?.hasState === true)
        .map(cell => ({
          agent: cell?.text as string,
          version: cell?.type.version as number,
          state: this.#plain(cell?.id as AgentId, cell?.state),
        }))
      return [...here, ...away, ...left]
    })
  }

  /** Takes states in; creates the agents that are not there. First all are checked, then all are put in. */
  restore(saved: readonly SavedState[]): Promise<Outcome<void>> {
    return outcomeOf(async () => {
      const ready = saved.map(({ agent, version, state }) => ({ agent, state: this.#migrated(agent, version, state) }))
      for (const { agent, state } of ready) {
        await this.#loop.agents.of(agent).ensure()
        const cell = this.#loop.agents.of(agent) // another one, if the agent was just stopping
        cell.state = state
        if (cell.type.checkpoint !== undefined) this.#loop.agents.checkpoints.save(cell)
      }
    })
  }

  /** Checks states without putting them in. */
  check(saved: readonly SavedState[]): Promise<Outcome<void>> {
    return outcomeOf(() => {
      for (const { agent, version, state } of saved) this.#migrated(agent, version, state)
    })
  }

  rest(): void {
    this.#loop.rest()
  }

  /** See {@link Peer.hold}. */
  hold(index: number, life: number, all: boolean): boolean {
    return this.#loop.peers.of(index).hold(life, all)
  }

  release(index: number, life: number): void {
    this.#loop.peers.of(index).letGo(life)
    this.#loop.scheduler.flush()
  }

  /** The steps of a move, in their order; see {@link Move}. */
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

  /** Orders come by another way than messages: what was sent before this one is in its mailbox after it. */
  takeIn(): void {
    this.#loop.peers.takeIn()
  }

  /** Stops one agent without its queue; also one that was unloaded. */
  dropAgent(agent: string, ms: number): Promise<Outcome<void>> {
    this.#loop.peers.takeIn()
    return outcomeOf(() => this.#loop.agents.of(agent).drop(ms))
  }

  async stop(ms: number): Promise<WireError[]> {
    const failures = await this.#loop.stop(ms)
    return failures.map(error => errorToWire(error instanceof Error ? error : new Error(String(error)), isCloneable))
  }

  end(): void {
    this.#loop.end()
  }

  #migrated(agent: string, version: number, state: unknown): unknown {
    const { type } = toAgentId(agent)
    const hosted = this.#loop.agents.type(type)
    if (hosted === undefined)
      throw new StateError(`the snapshot has ${agent}, and no agent type '${type}' is registered`, { agent })
    const copy: unknown = structuredClone(state)
    if (version === hosted.version) return copy
    const { migrate } = hosted.spec.options
    if (migrate === undefined || version > hosted.version) {
      throw new StateError(
        `the state of ${agent} has version ${version}; '${type}' is at version ${hosted.version} and has no way from there`,
        { agent },
      )
    }
    return migrate(copy, version)
  }

  #plain(id: AgentId, state: unknown): unknown {
    try {
      return structuredClone(state)
    } catch (error) {
      throw new StateError(`the state of ${id} is not plain data: ${(error as Error).message}`, {
        agent: id.toString(),
        cause: error,
      })
    }
  }
}
