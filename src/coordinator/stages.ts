// A state that is changed in one place only. What it keeps: it goes by its table, and an event that the table does not
// have there is a fault of ours: it is thrown, and the state stays as it was.

/** By state: what can happen then, and what the state is afterwards. */
export type Table<State extends string, Event extends string> = Readonly<
  Record<State, Readonly<Partial<Record<Event, State>>>>
>

/** One state, and its table. */
export class Stages<State extends string, Event extends string> {
  readonly #of: string
  readonly #table: Table<State, Event>
  #now: State

  /** @param of whose state it is, for the message */
  constructor(of: string, table: Table<State, Event>, first: State) {
    this.#of = of
    this.#table = table
    this.#now = first
  }

  get now(): State {
    return this.#now
  }

  /** @returns the state from now on. @throws Error when that cannot happen now */
  to(event: Event): State {
    const next = this.#table[this.#now][event]
    if (next === undefined) throw new Error(`${this.#of}: '${event}' cannot happen while it is '${this.#now}'`)
    this.#now = next
    return next
  }
}
