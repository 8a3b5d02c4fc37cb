// The agents of one loop: their types, their cells, and what is left of those that are not there. What it keeps: an address has
// one cell at a time, which is there as long as there is anything to say of its agent.
import type { Directory } from '../base/directory.js'
import type { EventLoop } from '../base/event-loop.js'
import type { Origin } from '../base/message.js'
import type { Address, Coded, Recipient, Recipients } from '../base/recipient.js'
import { type Stuck, type TurnRef, type TurnWaits, Waits } from '../base/waits.js'
import type { HostedType } from '../hosted.js'
import { Cell, type CellHost, type Kin } from './cell.js'
import type { Checkpoints, Keepable } from './checkpoints.js'
import { keyOf } from './jammed.js'
import type { WorkHost } from './turning.js'

/** A turn that is at work, or what is at work beside turns, for who has to know what a thread leaves undone. */
export interface OpenTurn {
  readonly agent: string
  readonly message: string
  /** Of a turn. */
  readonly messageId?: string
}

/** Agents that others wait for, so that it ends. */
export interface Busy {
  /** Some of them, with what they are at. */
  readonly agents: readonly string[]
  /** How many there are beside these. */
  readonly more: number
  /** Agents whose `onStop` has not even begun, when the loop has stopped. */
  readonly unstopped: number
}

/** So many are named. */
const NAMED = 5

/** All agents of one loop. */
export class Agents implements Recipients, Kin {
  readonly checkpoints: Checkpoints
  /** States of agents that were unloaded. */
  readonly unloaded = new Map<string, unknown>()
  readonly origin: Origin
  readonly waits: Waits
  /** Cells of agents that are gone, as long as turns of theirs go on. */
  readonly #outlived = new Set<Cell>()
  readonly #types = new Map<string, HostedType>()
  readonly #cells = new Map<string, Cell>()
  readonly #directory: Directory
  readonly #host: CellHost

  /** @param work what the turns of all agents need */
  constructor(
    directory: Directory,
    origin: Origin,
    checkpoints: Checkpoints,
    eventLoop: EventLoop,
    work: Omit<WorkHost, 'life'>,
  ) {
    this.#directory = directory
    this.origin = origin
    this.checkpoints = checkpoints
    this.waits = new Waits(work.turn.clock)
    const life = {
      eventLoop,
      ledger: work.ledger,
      checkpoints,
      unloaded: this.unloaded,
      idOf: (agent: string) => directory.of(agent).id,
      forgetState: (agent: Keepable) => this.forgetState(agent),
      forget: (agent: Keepable) => this.#forget(agent),
      forgetOutlived: (agent: Keepable) => void this.#outlived.delete(agent as Cell),
    }
    this.#host = { ...work, life, agents: this }
  }

  // ---- types ------------------------------------------------------------------------------------------------------

  host(type: HostedType): void {
    this.#types.set(type.spec.type, type)
  }

  type(name: string): HostedType | undefined {
    return this.#types.get(name)
  }

  coded(type: string, message: string, isRequest: boolean): Coded | undefined {
    const hosted = this.#types.get(type)
    return (isRequest ? hosted?.requests : hosted?.events)?.get(message)?.[0]?.message
  }

  // ---- cells ------------------------------------------------------------------------------------------------------

  at(address: Address): Recipient {
    const { recipient } = address
    if (recipient !== undefined && !recipient.gone) return recipient
    const cell = this.#cellAt(address)
    address.recipient = cell
    return cell
  }

  /** The cell of an agent that lives here. @throws InvalidNameError */
  of(agent: string): Cell {
    return this.#cells.get(agent) ?? this.#cellAt(this.#directory.of(agent))
  }

  #cellAt({ id, text }: Address): Cell {
    const known = this.#cells.get(text)
    if (known !== undefined) return known
    const type = this.#types.get(id.type)
    if (type === undefined)
      throw new Error(`loop ${this.#directory.index} was told to host '${id.type}' and has no such type`)
    const cell = new Cell(text, type, this.#host)
    this.#cells.set(text, cell)
    return cell
  }

  /** The cell of an agent that lives here, if there is one. */
  readonly existing = (agent: string): Cell | undefined => this.#cells.get(agent)

  get cells(): Iterable<Cell> {
    return this.#cells.values()
  }

  // ---- what is left -----------------------------------------------------------------------------------------------

  /** There is nothing to say of it any more. */
  #forget(agent: Keepable): void {
    const { text } = agent
    const cell = this.#cells.get(text)
    if (cell !== agent) return // the name is another's by now
    if (cell.running > 0) this.#outlived.add(cell)
    this.#cells.delete(text)
    this.#directory.forget(text)
  }

  /** What was kept of an agent is not to come back. */
  forgetState(agent: Keepable): void {
    this.unloaded.delete(agent.text)
    this.checkpoints.forget(agent)
  }

  /** The turns at work. */
  *openTurns(): Iterable<OpenTurn> {
    for (const cells of [this.#cells.values(), this.#outlived]) {
      for (const cell of cells) {
        for (const { message } of cell.turns()) {
          if (message !== undefined) yield { agent: cell.text, message: message.name, messageId: message.id }
        }
      }
    }
  }

  /**
   * What is at work, for who has to blame somebody: turns, agents that are being made or stopped, and, where there is none of them,
   * loops that are not asleep.
   */
  *atWork(): Iterable<OpenTurn> {
    let none = true
    for (const turn of this.openTurns()) {
      none = false
      yield turn
    }
    const beside = function* (what: string, cells: Iterable<Cell>) {
      for (const cell of cells) if (cell.beside === what) yield { agent: cell.text, message: what }
    }
    for (const hook of beside('a hook', this.#cells.values())) {
      none = false
      yield hook
    }
    if (none) yield* beside('a loop', this.#cells.values())
  }

  /** What is stuck here. @param turns see {@link Stuck} */
  blocked(turns: readonly TurnRef[]): Stuck {
    return { ...this.waits.tell(), turns: turns.map(({ agent, turn }) => this.#waitsOf(agent, turn)) }
  }

  #waitsOf(agent: string, number: number): TurnWaits | undefined {
    const cell = this.#cells.get(agent)
    for (const turn of cell?.blockers?.turns ?? cell?.turns() ?? []) {
      if (turn.turn !== number) continue
      const waits: string[] = turn.asleep > 0 ? ['asleep'] : []
      for (let one = turn.awaited; one !== undefined; one = one.older) waits.push(`${this.origin.text}.${one.sequence}`)
      return { waits, works: turn.works && keyOf(turn.works) }
    }
    return undefined
  }

  /** Who is at work. Looks at all agents: for when somebody has waited for long. */
  busy(): Busy {
    const agents: string[] = []
    let more = 0
    let unstopped = 0
    for (const cells of [this.#cells.values(), this.#outlived]) {
      for (const cell of cells) {
        const what = cell.atWork
        if (what === undefined) {
          if (cell.ready && cell.type.spec.onStop !== undefined) unstopped++
        } else if (agents.length < NAMED) agents.push(`${cell.text} (${what})`)
        else more++
      }
    }
    return { agents, more, unstopped }
  }

  // ---- all of them ------------------------------------------------------------------------------------------------

  /** The routes have changed: agents whose type is not hosted any more are not wanted. */
  abandonFailed(): void {
    for (const cell of this.#cells.values()) {
      const failure = this.#directory.failure(cell.type.spec.type, cell.text)
      if (failure !== undefined) cell.abandon(failure)
    }
  }

  /** What agents do of themselves is over, and paused ones work off what waits. */
  rest(): void {
    for (const cell of this.#cells.values()) void cell.rest()
  }
}
