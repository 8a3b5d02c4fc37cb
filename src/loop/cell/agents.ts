// The agents of one loop: their types, their cells, and what is left of those that are not there. What it keeps: an address has
// one cell at a time, which is there as long as there is anything to say of its agent.
import type { AgentId } from '../../agent/ids.js'
import type { Directory } from '../base/directory.js'
import type { Address, Coded, Recipient, Recipients } from '../base/recipient.js'
import type { HostedType } from '../hosted.js'
import { Cell, type CellHost } from './cell.js'
import type { Checkpoints } from './checkpoints.js'

/** A turn that is at work, for who has to know what a thread leaves undone. */
export interface OpenTurn {
  readonly agent: string
  readonly message: string
  readonly messageId: string
}

/** All agents of one loop. */
export class Agents implements Recipients {
  readonly checkpoints: Checkpoints
  /** States of agents that were unloaded. */
  readonly unloaded = new Map<string, unknown>()
  /** Cells of agents that are gone, as long as turns of theirs go on. */
  readonly outlived = new Set<Cell>()
  readonly #types = new Map<string, HostedType>()
  readonly #cells = new Map<string, Cell>()
  readonly #directory: Directory
  readonly #host: CellHost

  /** @param host what all cells share, but for these agents themselves */
  constructor(directory: Directory, host: Omit<CellHost, 'agents'>) {
    this.#directory = directory
    this.checkpoints = host.life.checkpoints
    this.#host = { ...host, agents: this }
  }

  // ---- types ------------------------------------------------------------------------------------------------------

  host(type: HostedType): void {
    this.#types.set(type.spec.type, type)
  }

  type(name: string): HostedType | undefined {
    return this.#types.get(name)
  }

  coded(type: string, message: string): Coded | undefined {
    return this.#types.get(type)?.handlers.get(message)?.[0]?.message
  }

  // ---- cells ------------------------------------------------------------------------------------------------------

  at(address: Address): Recipient {
    const { recipient } = address
    if (recipient !== undefined && !recipient.forgotten) return recipient
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
  existing(agent: string): Cell | undefined {
    return this.#cells.get(agent)
  }

  get cells(): Iterable<Cell> {
    return this.#cells.values()
  }

  /** The id of an agent: remembered as long as its address is. */
  idOf(agent: string): AgentId {
    return this.#directory.of(agent).id
  }

  // ---- what is left -----------------------------------------------------------------------------------------------

  /** There is nothing to say of it any more. */
  forget(cell: Cell): void {
    if (cell.forgotten) return // the name may be another's by now
    cell.forgotten = true // for whoever holds its address
    if (cell.running > 0) this.outlived.add(cell)
    this.#cells.delete(cell.text)
    this.#directory.forget(cell.text)
  }

  /** What was kept of an agent is not to come back. */
  forgetState(cell: Cell): void {
    this.unloaded.delete(cell.text)
    this.checkpoints.forget(cell)
  }

  /** The turns at work. */
  *openTurns(): Iterable<OpenTurn> {
    for (const cells of [this.#cells.values(), this.outlived]) {
      for (const cell of cells) {
        for (const { message } of cell.turns()) {
          if (message !== undefined) yield { agent: cell.text, message: message.name, messageId: message.id }
        }
      }
    }
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
