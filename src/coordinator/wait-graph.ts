// The wait-for graph of all loops: which turns wait for which messages, and which queues wait for which turns. When a loop says that
// something seems stuck there, what is stuck everywhere is put together, and if it waits for itself, one wait of the cycle is ended.
// What this keeps: a cycle that it ends was there. A queue goes on when one of its agent's turns ends (in a beginning or an end: when
// all do), and a turn when one of the things that it waits for is over, so all of them must be stuck; what is left when nothing
// more can be shown to go on waits for itself (the AND-OR model of Knapp, Deadlock detection in distributed databases, 1987). Loops
// are asked twice, and a wait counts that was there both times: all of these were there in between, at one moment.
import { CallCycleError } from '../agent/errors.js'
import { type EventLoop, within } from '../loop/base/event-loop.js'
import type { Jam, Stuck, TurnRef, Wait } from '../loop/base/waits.js'
import { plainError } from '../loop/control/orders.js'
import type { LoopHandle } from './mesh.js'

/** How long a loop may take to say what is stuck there; one that computes has nothing stuck that could be known. */
const PATIENCE_MS = 1_000

/** How long whoever was told has, before it is looked whether the same turns are stuck in another way: they may wait for more. */
const PAUSE_MS = 50

/** What is stuck on all loops. */
interface Graph {
  readonly jams: ReadonlyMap<string, Jam>
  /** By key, and whom it is for. */
  readonly waits: ReadonlyMap<string, Wait>
  /** By turn, how much it waits for, as far as that is known. */
  readonly pending: ReadonlyMap<string, number>
}

/** One step of a cycle: turns of an agent wait for a message to another. */
interface Edge {
  readonly agent: string
  /** Its turn and those that work for it, down to the one that waits. */
  readonly turns: readonly TurnRef[]
  readonly wait: Wait
  readonly to: Jam
}

/** Finds what waits for itself, and ends it. */
export class WaitGraph {
  readonly #eventLoop: EventLoop
  readonly #loops: () => readonly LoopHandle[]
  #looking = false

  constructor(eventLoop: EventLoop, loops: () => readonly LoopHandle[]) {
    this.#eventLoop = eventLoop
    this.#loops = loops
  }

  /** Something seems stuck. Never throws. */
  async look(): Promise<void> {
    if (this.#looking) return // who is stuck says so again
    this.#looking = true
    try {
      while (await this.#endSome()) await new Promise<void>(resolve => this.#eventLoop.after(PAUSE_MS, resolve))
    } finally {
      this.#looking = false
    }
  }

  /** @returns whether there was anything to end */
  async #endSome(): Promise<boolean> {
    const first = stuckIn(await this.#ask([]))
    if (first.jams.size === 0) return false
    const turns = [...first.waits.values()].flatMap(wait => wait.turns)
    let graph = stuckIn(both(first, await this.#ask(turns)))
    let some = false
    for (let cycle = cycleIn(graph); cycle !== undefined; cycle = cycleIn(graph)) {
      const victim = victimOf(cycle)
      this.#end(cycle, victim)
      graph = stuckIn(without(graph, (cycle[victim] as Edge).wait))
      some = true
    }
    return some
  }

  async #ask(turns: readonly TurnRef[]): Promise<Graph> {
    const jams = new Map<string, Jam>()
    const waits = new Map<string, Wait>()
    const pending = new Map<string, number>()
    const take = (said: Stuck): void => {
      for (const jam of said.jams) jams.set(jam.agent, jam)
      for (const wait of said.waits) waits.set(idOf(wait), wait)
      for (const [i, turn] of turns.entries()) {
        const count = said.pending[i] as number
        if (count > 0) pending.set(nameOf(turn), count)
      }
    }
    const ask = async (loop: LoopHandle): Promise<void> => {
      const saying = loop.order(control => control.blocked(turns))
      saying.catch(() => {}) // its thread ends
      let said: Stuck | undefined
      const heard = saying.then(
        value => {
          said = value
        },
        () => {},
      )
      await within(this.#eventLoop, PATIENCE_MS, heard)
      if (said !== undefined) take(said)
    }
    await Promise.all(this.#loops().map(ask))
    return { jams, waits, pending }
  }

  #end(cycle: readonly Edge[], victim: number): void {
    const { wait } = cycle[victim] as Edge
    const before = cycle[(victim + cycle.length - 1) % cycle.length] as Edge
    const error = plainError(errorOf(cycle, victim))
    // whoever has it: a loop that does not hear of it has ended, and with it what waited there
    for (const loop of this.#loops())
      loop.order(control => control.settleWait(wait, error, before.wait.key)).catch(() => {})
  }
}

function nameOf({ agent, turn }: TurnRef): string {
  return `${agent}#${turn}`
}

function idOf({ key, what, at }: Wait): string {
  return `${key} ${what} ${what === 'room' ? '' : at[0]}`
}

/** What both say; how much turns wait for as the later one says. */
function both(first: Graph, later: Graph): Graph {
  return {
    jams: new Map([...later.jams].filter(([agent]) => first.jams.has(agent))),
    waits: new Map([...later.waits].filter(([id]) => first.waits.has(id))),
    pending: later.pending,
  }
}

/** What is left when a wait has been ended, and who waited for it knows. */
function without({ jams, waits, pending }: Graph, wait: Wait): Graph {
  const left = new Map(waits)
  left.delete(idOf(wait))
  const less = new Map(pending)
  const [waiter] = wait.turns
  const others = [...left.values()].some(({ key }) => key === wait.key) // of an event, for its other recipients
  if (waiter !== undefined && !others) less.set(nameOf(waiter), (pending.get(nameOf(waiter)) ?? 0) - 1)
  return { jams, waits: left, pending: less }
}

/** Leaves out whatever may go on, until nothing more can be shown to. */
function stuckIn({ jams: all, waits, pending }: Graph): Graph {
  const jams = new Map(all)
  let stuck: ReadonlySet<string> = new Set([...waits.values()].flatMap(wait => wait.turns.map(nameOf)))
  for (;;) {
    const things = new Map<string, Set<string>>()
    for (const wait of waits.values()) {
      if (!wait.at.some(agent => jams.has(agent))) continue
      let inner = `message ${wait.key}`
      for (const turn of wait.turns) {
        const name = nameOf(turn)
        if (!stuck.has(name)) break // it goes on, and with it who waits for it
        const some = things.get(name)
        if (some === undefined) things.set(name, new Set([inner]))
        else some.add(inner)
        inner = `turn ${name}`
      }
    }
    const left = new Set(
      [...things].filter(([name, some]) => some.size >= (pending.get(name) ?? 0)).map(([name]) => name),
    )
    let less = left.size < stuck.size
    stuck = left
    for (const { agent, turns, each } of jams.values()) {
      const stands = (turn: number): boolean => left.has(nameOf({ agent, turn }))
      if (each ? turns.some(stands) : turns.every(stands)) continue
      jams.delete(agent)
      less = true
    }
    if (!less) break
  }
  const held = [...waits].filter(
    ([, { at, turns }]) => at.some(agent => jams.has(agent)) && turns[0] !== undefined && stuck.has(nameOf(turns[0])),
  )
  return { jams, waits: new Map(held), pending }
}

/** A cycle of what is stuck; undefined: there is none. */
function cycleIn({ jams, waits }: Graph): Edge[] | undefined {
  const path: Edge[] = []
  let jam = [...jams.values()][0]
  while (jam !== undefined) {
    const { agent } = jam
    const known = path.findIndex(edge => edge.agent === agent)
    if (known >= 0) return path.slice(known)
    const edge = edgeFrom(jam, jams, waits)
    if (edge === undefined) return undefined // nothing that is stuck is without one
    path.push(edge)
    jam = edge.to
  }
  return undefined
}

function edgeFrom(jam: Jam, jams: Graph['jams'], waits: Graph['waits']): Edge | undefined {
  const { agent } = jam
  for (const wait of waits.values()) {
    const at = wait.turns.findIndex(turn => turn.agent === agent && jam.turns.includes(turn.turn))
    const to = wait.at.find(one => jams.has(one))
    if (at < 0 || to === undefined) continue
    return { agent, turns: wait.turns.slice(0, at + 1).reverse(), wait, to: jams.get(to) as Jam }
  }
  return undefined
}

/** Which of its waits is ended: one for room, for that costs nobody an error; else the first of a message. */
function victimOf(cycle: readonly Edge[]): number {
  const room = cycle.findIndex(({ wait }) => wait.what === 'room')
  const queued = cycle.findIndex(({ wait }) => wait.what === 'queued')
  return room >= 0 ? room : Math.max(queued, 0)
}

/** @param at whose message is refused */
function errorOf(edges: readonly Edge[], at: number): CallCycleError {
  const { wait, to } = edges[at] as Edge
  // the cycle begins and ends where the message waits
  const inOrder = edges.map((_, i) => edges[(at + 1 + i) % edges.length] as Edge)
  const cycle = [...inOrder.flatMap(({ turns }) => turns.map(({ agent }) => agent)), to.agent]
  const type = to.agent.slice(0, to.agent.indexOf('/'))
  const instead = to.hook === 'onStart' ? 'after onStart, from a handler or ctx.after' : 'before the agent stops'
  let advice = `Answer first, or give '${type}' concurrency 'callchain'`
  if (to.hook !== undefined) advice = `Its ${to.hook} is not over before that: send ${instead}`
  else if (edges.length > 1) advice = 'Answer first, or let them call each other in one direction only'
  const text = `'${wait.name}' for ${to.agent} would wait for itself: ${cycle.join(' → ')}. ${advice}`
  return new CallCycleError(text, cycle, { agent: to.agent, message: wait.name })
}
