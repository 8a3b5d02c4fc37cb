// The stages of an agent on its loop, in one word. What it keeps: a stage changes by the table and by nothing else, so that what
// an agent may do now is one look at the word.
//
//   stage      means                                            goes to
//   absent     nobody has made it; messages may wait            starting, gone
//   starting   it is being made: `onStart` may be at work       ready, absent (it failed), gone (it was given up)
//   ready      it is there                                      ending
//   ending     it is about to go: turns end, `onStop` runs      gone
//   gone       its cell is nobody's any more; the address has   –
//              another one, which inherits what waits and PAUSED
//
// Beside the stage stand three bits. PAUSED: no message begins; every stage but gone can be paused. LINED: it stands in the
// line of those that have something to do. WATCHED: its life wants to know when turns end.

/** A stage of an agent. */
export type Stage = 'absent' | 'starting' | 'ready' | 'ending' | 'gone'

/** What each stage may go to. */
export const agentStages: Readonly<Record<Stage, readonly Stage[]>> = {
  absent: ['starting', 'gone'],
  starting: ['ready', 'absent', 'gone'],
  ready: ['ending'],
  ending: ['gone'],
  gone: [],
}

const order: readonly Stage[] = ['absent', 'starting', 'ready', 'ending', 'gone']
const index = { absent: 0, starting: 1, ready: 2, ending: 3, gone: 4 } as const satisfies Record<Stage, number>
/** By stage: one bit for each that it may go to. */
const next = order.map(stage => agentStages[stage].reduce((bits, one) => bits | (1 << index[one]), 0))
const STAGE = 7
const PAUSED = 8
const LINED = 16
const WATCHED = 32

/** What has a stage. */
export abstract class Staged {
  abstract readonly text: string
  #word: number = index.absent

  get stage(): Stage {
    return order[this.#word & STAGE] as Stage
  }

  /** @throws Error for a step that is not in the table */
  to(stage: Stage): void {
    const to = index[stage]
    if (((next[this.#word & STAGE] as number) & (1 << to)) === 0)
      throw new Error(`${this.text} is ${this.stage} and cannot become ${stage}`)
    this.#word = (this.#word & ~STAGE) | to
  }

  get absent(): boolean {
    return (this.#word & STAGE) === index.absent
  }

  get ready(): boolean {
    return (this.#word & STAGE) === index.ready
  }

  /** Whether its loop knows it no more. */
  get gone(): boolean {
    return (this.#word & STAGE) === index.gone
  }

  /** Whether messages of its own line may begin: it is there, or the first of them makes it; and it is not paused. */
  get open(): boolean {
    const stage = this.#word & (STAGE | PAUSED)
    return stage === index.ready || stage === index.absent
  }

  get paused(): boolean {
    return (this.#word & PAUSED) !== 0
  }

  set paused(paused: boolean) {
    this.#word = paused ? this.#word | PAUSED : this.#word & ~PAUSED
  }

  get lined(): boolean {
    return (this.#word & LINED) !== 0
  }

  set lined(lined: boolean) {
    this.#word = lined ? this.#word | LINED : this.#word & ~LINED
  }

  /** Whether its life is told when turns end. */
  get watched(): boolean {
    return (this.#word & WATCHED) !== 0
  }

  /** From now on its life is told. */
  watch(): void {
    this.#word |= WATCHED
  }
}
