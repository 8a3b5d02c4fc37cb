// A turn that waits for room for what it has published. What it keeps: it is in the turn's list and in that of the loop for as long
// as it waits, and in neither afterwards.
import { type Awaited, type Blocked, type Suspect, turnsOf, type Wait, type Waits } from '../base/waits.js'
import type { Turn } from '../cell/turn.js'

/** A turn that waits for room. */
export class RoomWait implements Suspect, Awaited {
  stuck = false
  older: Awaited | undefined
  newer: Awaited | undefined
  readonly sequence: number
  readonly #turn: Turn
  readonly #wait: Wait
  readonly #isWaitedFor: () => boolean
  readonly #goOn: (behind?: string) => void

  /** @param isWaitedFor whether it is not to wait any longer @param goOn ends the wait */
  constructor(
    turn: Turn,
    wait: Pick<Wait, 'key' | 'name' | 'at'>,
    sequence: number,
    isWaitedFor: () => boolean,
    goOn: (behind?: string) => void,
  ) {
    this.sequence = sequence
    this.#turn = turn
    this.#wait = { ...wait, what: 'room', turns: turnsOf(turn) }
    this.#isWaitedFor = isWaitedFor
    this.#goOn = goOn
  }

  begin(waits: Waits): void {
    this.#turn.begin(this)
    waits.watch(this, this)
    waits.rooms.set(this.#wait.key, this.#goOn)
  }

  end(waits: Waits): void {
    this.#turn.over(this)
    waits.unwatch(this)
    waits.rooms.delete(this.#wait.key)
  }

  /** The event is published, whoever gives the turn up. */
  giveUp(): void {
    this.#goOn()
  }

  note(): boolean {
    return true
  }

  look(): boolean {
    this.stuck = true
    if (!this.#isWaitedFor()) return true
    this.#goOn()
    return false
  }

  tell({ waits }: Blocked): void {
    waits.push(this.#wait)
  }
}
