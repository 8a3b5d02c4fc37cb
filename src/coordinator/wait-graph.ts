// The wait-for graph of all loops: which turns wait for which messages, and which queues wait for which turns. When a loop says that
// something seems stuck there, what is stuck everywhere is put together, and of what waits for itself one wait is ended.
// What this keeps: a cycle that it ends was there. Every wait has the key of its message. A queue goes on when one of its agent's turns
// ends (in a beginning or an end: when all do); a turn when one of the things that it waits for is over; a key when nothing that is
// stuck has its message. What is left when nothing more can be shown to go on waits for itself (the AND-OR model of Knapp, Deadlock
// detection in distributed databases, 1987). Loops are asked twice, and a wait counts that was there both times: all of these were
// there in between, at one moment. Each part of the graph is looked at once for each wait that is ended, and not all of it again.
import { type EventLoop, within } from '../loop/base/event-loop.js'
import type { Jam, Stuck, TurnRef, TurnWaits, Verdict, Wait } from '../loop/base/waits.js'
import type { LoopHandle } from './mesh.js'
import { nameOf, StuckGraph } from './stuck-graph.js'

/** How long a loop may take to say what is stuck there; one that computes has nothing stuck that could be known. */
const PATIENCE_MS = 1_000

/** How long whoever was told has, before it is looked whether the same turns are stuck in another way: they may wait for more. */
const PAUSE_MS = 50

/** After a look there is none for so many times as long as it computed, and never sooner than in a while. */
const REST = 40
const LEAST_REST_MS = 200

/** What is stuck on all loops, as they say. */
export interface Said {
  readonly jams: ReadonlyMap<string, Jam>
  /** By key, and whom it is for. */
  readonly waits: ReadonlyMap<string, Wait>
  /** What is known of turns, by their names. */
  readonly turns: ReadonlyMap<string, TurnWaits>
}

/** Finds what waits for itself, and ends it. */
export class WaitGraph {
  readonly #eventLoop: EventLoop
  readonly #loops: () => readonly LoopHandle[]
  #looking = false
  /** Something seems stuck that no look has begun for. */
  #wanted = false
  /** Milliseconds that the last look computed here, which is about what it cost the others. */
  #computed = 0

  constructor(eventLoop: EventLoop, loops: () => readonly LoopHandle[]) {
    this.#eventLoop = eventLoop
    this.#loops = loops
  }

  /** Something seems stuck: it is looked once more, whatever a look that has begun finds. Never throws. */
  async look(): Promise<void> {
    this.#wanted = true
    if (this.#looking) return
    this.#looking = true
    try {
      while (this.#wanted) {
        this.#wanted = false
        this.#computed = 0
        while (await this.#endSome()) await this.#pause(PAUSE_MS)
        await this.#pause(Math.max(LEAST_REST_MS, REST * this.#computed))
      }
    } finally {
      this.#looking = false
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise(resolve => this.#eventLoop.after(ms, resolve).unref())
  }

  /** @returns whether there was anything to end */
  async #endSome(): Promise<boolean> {
    const answered = new Set<LoopHandle>()
    const first = await this.#ask(this.#loops(), [], answered)
    if (first.jams.size === 0 || first.waits.size === 0) return false
    // one that computes is not waited for again
    const second = await this.#ask([...answered], turnsIn(first), new Set())
    const begun = this.#eventLoop.now()
    const waits = new Map([...second.waits].filter(([id]) => first.waits.has(id)))
    const graph = new StuckGraph({ ...second, waits })
    const verdicts: Verdict[] = []
    for (let next = graph.end(); next !== undefined; next = graph.end()) verdicts.push(next)
    this.#computed += this.#eventLoop.now() - begun
    if (verdicts.length === 0) return false
    // whoever has them: a loop that does not hear of it has ended, and with it what waited there
    for (const loop of this.#loops()) loop.order(control => control.endWaits(verdicts)).catch(() => {})
    return true
  }

  /** @param answered gets who has answered in time */
  async #ask(loops: readonly LoopHandle[], asked: readonly TurnRef[], answered: Set<LoopHandle>): Promise<Said> {
    const jams = new Map<string, Jam>()
    const waits = new Map<string, Wait>()
    const turns = new Map<string, TurnWaits>()
    const take = (said: Stuck): void => {
      const begun = this.#eventLoop.now()
      for (const jam of said.jams) jams.set(jam.agent, jam)
      for (const wait of said.waits)
        waits.set(`${wait.key} ${wait.what} ${wait.what === 'room' ? '' : wait.at[0]}`, wait)
      for (const [i, turn] of asked.entries()) {
        const known = said.turns[i]
        if (known !== undefined) turns.set(nameOf(turn), known)
      }
      this.#computed += this.#eventLoop.now() - begun
    }
    const ask = async (loop: LoopHandle): Promise<void> => {
      let said: Stuck | undefined
      const heard = loop
        .order(control => control.blocked(asked))
        .then(
          value => {
            said = value
          },
          () => {}, // its thread ends
        )
      await within(this.#eventLoop, PATIENCE_MS, heard)
      if (said === undefined) return
      answered.add(loop)
      take(said)
    }
    await Promise.all(loops.map(ask))
    return { jams, waits, turns }
  }
}

/** All turns that have to do with it, each once. */
function turnsIn({ jams, waits }: Said): TurnRef[] {
  const all = new Map<string, TurnRef>()
  for (const { turns } of waits.values()) for (const turn of turns) all.set(nameOf(turn), turn)
  for (const { agent, turns } of jams.values())
    for (const turn of turns) all.set(nameOf({ agent, turn }), { agent, turn })
  return [...all.values()]
}
