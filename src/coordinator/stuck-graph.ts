// One look at the wait-for graph: what is stuck in it, and its cycles. What it keeps: everything goes on as soon as it can be shown to,
// which is found once for each part from what it waited for; so the whole takes as many steps as there are waits.
import type { Jam, TurnRef, TurnWaits, Verdict, Wait } from '../loop/base/waits.js'

/** A turn, as one word. */
export function nameOf({ agent, turn }: TurnRef): string {
  return `${agent}#${turn}`
}

/** A queue that waits for turns. */
interface Queue {
  readonly jam: Jam
  /** Its turns that are stuck. */
  stuck: number
  readonly waits: Waiting[]
}

/** A wait, and at how many stuck queues. */
interface Waiting {
  readonly wait: Wait
  stuck: number
}

/** A message that turns wait for: what of it is stuck, and who waits. */
interface Key {
  readonly waits: Waiting[]
  readonly works: Turn[]
  readonly waiters: Turn[]
  stuck: number
}

interface Turn {
  readonly agent: string
  readonly name: string
  readonly known: TurnWaits
  stuck: boolean
  readonly queues: Queue[]
}

/** One step of a cycle: turns of an agent wait for a message to another. */
interface Edge {
  readonly agent: string
  /** Its turn and those that work for it, down to the one that waits. */
  readonly turns: readonly Turn[]
  readonly wait: Wait
  readonly to: Jam
}

/** What is stuck. */
export class StuckGraph {
  readonly #queues = new Map<string, Queue>()
  readonly #keys = new Map<string, Key>()
  readonly #turns = new Map<string, Turn>()

  constructor({
    jams,
    waits,
    turns,
  }: {
    readonly jams: ReadonlyMap<string, Jam>
    readonly waits: ReadonlyMap<string, Wait>
    readonly turns: ReadonlyMap<string, TurnWaits>
  }) {
    for (const jam of jams.values()) this.#queues.set(jam.agent, { jam, stuck: jam.turns.length, waits: [] })
    for (const [name, known] of turns) {
      const turn: Turn = { agent: name.slice(0, name.lastIndexOf('#')), name, known, stuck: true, queues: [] }
      this.#turns.set(name, turn)
      for (const key of known.waits) this.#key(key).waiters.push(turn)
      if (known.works === undefined) continue
      const key = this.#key(known.works)
      key.works.push(turn)
      key.stuck++
    }
    for (const wait of waits.values()) {
      const at = wait.at.flatMap(agent => this.#queues.get(agent) ?? [])
      if (at.length === 0) continue
      const waiting = { wait, stuck: at.length }
      for (const queue of at) queue.waits.push(waiting)
      const key = this.#key(wait.key)
      key.waits.push(waiting)
      key.stuck++
    }
    for (const queue of this.#queues.values()) {
      for (const turn of queue.jam.turns) {
        const known = this.#turns.get(nameOf({ agent: queue.jam.agent, turn }))
        if (known === undefined) this.#turnGoesOn(queue)
        else known.queues.push(queue)
      }
    }
    for (const turn of this.#turns.values())
      if (turn.known.waits.length === 0 || turn.known.waits.some(key => this.#keys.get(key)?.stuck === 0))
        this.#goOn(turn)
  }

  #key(key: string): Key {
    const known = this.#keys.get(key) ?? { waits: [], works: [], waiters: [], stuck: 0 }
    this.#keys.set(key, known)
    return known
  }

  // ---- what goes on, and what goes on by it -----------------------------------------------------------------------

  #goOn(first: Turn): void {
    const going = [first]
    for (let turn = going.pop(); turn !== undefined; turn = going.pop()) {
      if (!turn.stuck) continue
      turn.stuck = false
      for (const queue of turn.queues) going.push(...this.#turnGoesOn(queue))
      if (turn.known.works !== undefined) going.push(...this.#less(this.#key(turn.known.works)))
    }
  }

  /** A turn of this queue goes on. @returns the turns that go on by that */
  #turnGoesOn(queue: Queue): Turn[] {
    if (!this.#isStuck(queue)) return []
    queue.stuck--
    return this.#isStuck(queue) ? [] : queue.waits.flatMap(waiting => this.#queueGoesOn(waiting))
  }

  #isStuck({ jam, stuck }: Queue): boolean {
    return jam.each ? stuck > 0 : stuck === jam.turns.length
  }

  #queueGoesOn(waiting: Waiting): Turn[] {
    if (waiting.stuck === 0 || --waiting.stuck > 0) return []
    return this.#less(this.#key(waiting.wait.key))
  }

  #less(key: Key): Turn[] {
    return --key.stuck === 0 ? key.waiters : []
  }

  // ---- cycles -----------------------------------------------------------------------------------------------------

  /** Ends one wait of what is stuck. @returns which; undefined: nothing is */
  end(): Verdict | undefined {
    for (const [agent, queue] of this.#queues) {
      if (!this.#isStuck(queue)) {
        this.#queues.delete(agent)
        continue
      }
      const cycle = this.#cycleFrom(queue)
      if (cycle === undefined) {
        this.#queues.delete(agent) // all that it waits for was left out
        continue
      }
      const at = victimOf(cycle)
      const { wait } = cycle[at] as Edge
      for (const waiting of this.#key(wait.key).waits) {
        if (waiting.wait !== wait || waiting.stuck === 0) continue
        waiting.stuck = 1
        for (const turn of this.#queueGoesOn(waiting)) this.#goOn(turn)
      }
      return verdictOf(cycle, at)
    }
    return undefined
  }

  #cycleFrom(first: Queue): Edge[] | undefined {
    const path: Edge[] = []
    const known = new Map<string, number>()
    for (let queue: Queue | undefined = first; queue !== undefined; ) {
      const { agent } = queue.jam
      const at = known.get(agent)
      if (at !== undefined) return path.slice(at)
      known.set(agent, path.length)
      const edge = this.#edgeFrom(queue)
      if (edge === undefined) return undefined
      path.push(edge)
      queue = this.#queues.get(edge.to.agent)
    }
    return undefined
  }

  #edgeFrom({ jam }: Queue): Edge | undefined {
    const { agent } = jam
    for (const number of jam.turns) {
      const turn = this.#turns.get(nameOf({ agent, turn: number }))
      const edge = turn?.stuck === true ? this.#edgeOf(agent, [turn]) : undefined
      if (edge !== undefined) return edge
    }
    return undefined
  }

  /** @param turns those that wait for each other, the last of which waits for a queue or for one more */
  #edgeOf(agent: string, turns: readonly Turn[]): Edge | undefined {
    for (const text of (turns.at(-1) as Turn).known.waits) {
      const key = this.#key(text)
      for (const { wait, stuck } of key.waits) {
        if (stuck === 0) continue
        const to = wait.at.map(one => this.#queues.get(one)).find(queue => queue !== undefined && this.#isStuck(queue))
        if (to !== undefined) return { agent, turns, wait, to: to.jam }
      }
      for (const turn of key.works) {
        if (!turn.stuck || turns.includes(turn)) continue
        const edge = this.#edgeOf(agent, [...turns, turn])
        if (edge !== undefined) return edge
      }
    }
    return undefined
  }
}

/** Which wait of a cycle is ended: one for room, for that costs nobody an error; else the first of a message in a queue. */
function victimOf(cycle: readonly Edge[]): number {
  const room = cycle.findIndex(({ wait }) => wait.what === 'room')
  const queued = cycle.findIndex(({ wait }) => wait.what === 'queued')
  return room >= 0 ? room : Math.max(queued, 0)
}

/** @param at whose wait is ended */
function verdictOf(edges: readonly Edge[], at: number): Verdict {
  const { wait, to } = edges[at] as Edge
  const before = edges[(at + edges.length - 1) % edges.length] as Edge
  // the cycle begins and ends where the message waits
  const inOrder = edges.map((_, i) => edges[(at + 1 + i) % edges.length] as Edge)
  const cycle = [...inOrder.flatMap(({ turns }) => turns.map(({ agent }) => agent)), to.agent]
  const type = to.agent.slice(0, to.agent.indexOf('/'))
  const instead = to.hook === 'onStart' ? 'after onStart, from a handler or ctx.after' : 'before the agent stops'
  let advice = `Answer first, or give '${type}' concurrency 'callchain'`
  if (to.hook !== undefined) advice = `Its ${to.hook} is not over before that: send ${instead}`
  else if (edges.length > 1) advice = 'Answer first, or let them call each other in one direction only'
  const text = `'${wait.name}' for ${to.agent} would wait for itself: ${cycle.join(' → ')}. ${advice}`
  return { wait, text, cycle, behind: before.wait.key }
}
