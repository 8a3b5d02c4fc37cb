// Turns that take longer than they should (`softDeadline`): nothing is ended, somebody is told. What it keeps: the
// turn that is due first stands in shared memory, so that it is told of also when it never yields.
import type { Slow } from '../../observe/observer.js'
import type { Status } from '../../sync/status.js'
import type { Alarm } from '../base/clock.js'
import type { Loop } from '../loop.js'
import type { Turn } from './turn.js'

/** The turns of one loop that should only take so long. */
export class SlowTurns {
  readonly #loop: Loop
  readonly #status: Status
  /** When each is due, by the loop's clock, in the order in which they began. */
  readonly #turns = new Map<Turn, number>()
  #first: Turn | undefined
  #alarm: Alarm | undefined

  constructor(loop: Loop, status: Status) {
    this.#loop = loop
    this.#status = status
  }

  begin(turn: Turn, ms: number): void {
    const due = this.#loop.clock.now() + ms
    this.#turns.set(turn, due)
    if (this.#first === undefined || due < (this.#turns.get(this.#first) as number)) this.#watch(turn, due)
  }

  end(turn: Turn): void {
    if (!this.#turns.delete(turn) || this.#first !== turn) return
    let earliest: Turn | undefined
    let at = Number.POSITIVE_INFINITY
    for (const [one, due] of this.#turns) if (due < at) [earliest, at] = [one, due]
    this.#watch(earliest, at)
  }

  #watch(turn: Turn | undefined, due: number): void {
    this.#first = turn
    this.#alarm?.cancel()
    if (turn === undefined) return this.#status.slow.clear()
    this.#status.slow.set(due, slowText(slowOf(turn)))
    const left = Math.max(0, due - this.#loop.clock.now())
    this.#alarm = this.#loop.clock.after(left, () => this.#due(turn, due), { weak: true })
  }

  #due(turn: Turn, due: number): void {
    if (this.#first !== turn) return
    const slow = slowOf(turn)
    this.#loop.observer.slow(slow, Math.round(this.#loop.clock.now() - due + slow.softDeadline))
    this.end(turn)
  }
}

function slowOf({ cell, message }: Turn): Slow {
  return { agent: cell.text, message, softDeadline: cell.type.softDeadline }
}

/** A turn as a line in shared memory, which is cut where there is no more room: the agent comes last. */
function slowText({ agent, message, softDeadline }: Slow): string {
  const { name = '', id = '' } = message ?? {}
  return `${softDeadline} ${name} ${/^[!-~]{1,64}$/.test(id) ? id : ''} ${agent}`
}

/** Reads such a line; undefined when it is none. */
export function slowTurnOf(text: string): Slow | undefined {
  const [, ms, name, id, agent] = /^([\d.]+) (\S*) (\S*) (.*)$/s.exec(text) ?? []
  if (agent === undefined || name === undefined) return undefined
  return { agent, message: name === '' ? undefined : { name, id: id || undefined }, softDeadline: Number(ms) }
}
