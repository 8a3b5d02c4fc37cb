// The state of all agents, taken and put in. What it keeps: meanwhile nothing is under way, what the application sends
// waits in the gate, in its order, what agents do of themselves waits in a lull, and no agent moves; one snapshot at a time, in
// the order in which they were asked for; none is of agents that have stopped. It waits for quiet before it has the turnstile: a
// move that comes first may go; and before the lull, which does not last: what is under way may wait for an agent's own timer.
//
// What is saved is one cut. Each loop is read with nothing under way there, and says what it had accepted by then. If afterwards
// all is quiet and nobody has accepted more, then nothing has begun anywhere since the first was read; else it is read again.
import { StateError, StoppedError, ThreadLostError, TimeoutError } from '../agent/errors.js'
import { toAgentId } from '../agent/ids.js'
import { type EventLoop, within } from '../loop/base/event-loop.js'
import { type Later, type Orders, type Outcome, type SavedState, unwrap } from '../loop/control/orders.js'
import { plain } from '../loop/control/snapshots.js'
import type { Snapshot } from './api.js'
import type { Coordinator } from './coordinator.js'
import type { LoopHandle } from './mesh.js'
import type { RunState } from './run-state.js'

/** How long the first lull may take to come to rest; each next one has twice as long. */
const LULL_MS = 50

/** How long loops get beyond the time limit of a save or load to say what they could not do in time. */
const GRACE_MS = 2_000

const NOT_LOADED = 'the snapshot was not loaded in time, and nothing of it is'

/** What was done while all was quiet; undefined: it was not, or not for long enough. */
type Done<T> = { readonly value: T } | undefined

/** The snapshots of one run of a runtime. */
export class Snapshots {
  readonly #run: Coordinator
  readonly #state: RunState
  readonly #eventLoop: EventLoop
  /** When nobody saves or loads any more. */
  #last: Promise<void> = Promise.resolve()

  constructor(run: Coordinator, state: RunState, eventLoop: EventLoop) {
    this.#run = run
    this.#state = state
    this.#eventLoop = eventLoop
  }

  /** @param ms how long it waits for quiet. @throws TimeoutError, StoppedError */
  save(ms: number): Promise<Snapshot> {
    return this.#quietly(ms, async left => {
      const there = await this.#cut(left)
      if (there === undefined) return undefined
      const { lost, registry } = this.#run
      const known = new Map<string, unknown>()
      for (const { agent, state } of lost) if (state !== undefined) known.set(agent, state.value)
      for (const { agent, state } of there) known.set(agent, state)
      const states = [...known].sort(([a], [b]) => (a < b ? -1 : 1))
      const types = new Map<string, number>()
      for (const [agent] of states) {
        const { type } = toAgentId(agent)
        types.set(type, registry.types.get(type)?.version ?? 1)
      }
      // not by assignment: a type may be called __proto__
      return { value: { version: 1, types: Object.fromEntries(types), ...Object.fromEntries(states) } as Snapshot }
    })
  }

  /** The states of all agents at one moment; undefined if something began while they were read. @throws StateError */
  async #cut(left: () => number): Promise<SavedState[] | undefined> {
    const run = this.#run
    const { loops } = run // only now: a loop may have been replaced meanwhile
    if (!this.#state.running) {
      const all = await Promise.all(loops.map(loop => loop.order(control => control.save())))
      return all.flatMap(unwrap)
    }
    try {
      const cuts = (await this.#inTime(loops, left, control => control.cut(), 'state was not saved in time')).map(
        unwrap,
      )
      let accepted = 0
      const all: SavedState[] = []
      for (const cut of cuts) {
        if (cut === 'busy') return undefined
        accepted = (accepted + cut.accepted) | 0
        for (const saved of cut.states) all.push(saved)
      }
      return run.accepted === accepted ? all : undefined
    } catch (error) {
      if (error instanceof ThreadLostError) return undefined // its next life has what was kept of its agents
      throw error
    }
  }

  /**
   * All of it, or nothing.
   * @throws StateError, UnknownAgentError, AgentCreationError, TimeoutError, StoppedError, ThreadLostError
   */
  async load(snapshot: Snapshot, ms: number): Promise<void> {
    const all = read(snapshot)
    const { types } = this.#run.registry
    for (const { agent } of all) {
      const { type } = toAgentId(agent)
      if (types.has(type)) continue
      throw new StateError(`the snapshot has ${agent}, and no agent type '${type}' is registered`, { agent })
    }
    await this.#quietly(ms, async left => {
      const byLoop = new Map<LoopHandle, SavedState[]>()
      for (const saved of all) {
        const loop = await this.#run.loopOf(toAgentId(saved.agent))
        const states = byLoop.get(loop)
        if (states === undefined) byLoop.set(loop, [saved])
        else states.push(saved)
      }
      await this.#loadInto(byLoop, left)
      return { value: undefined }
    })
  }

  /** Has every loop do each step before any does the next. What cannot be done everywhere is taken back where it was. */
  async #loadInto(byLoop: ReadonlyMap<LoopHandle, SavedState[]>, left: () => number): Promise<void> {
    const { host } = this.#run
    const loops = [...byLoop.keys()]
    const each = async (give: (control: Orders, loop: LoopHandle) => Later<Outcome<void>>): Promise<void> => {
      for (const one of await this.#inTime(loops, left, give, NOT_LOADED)) unwrap(one)
    }
    try {
      await each((control, loop) => control.check(byLoop.get(loop) as SavedState[])).catch(error => {
        for (const { agent, state } of [...byLoop.values()].flat()) plain(toAgentId(agent), state) // which one cannot cross threads
        throw error
      })
      await host.admission.pass(() => each(control => control.make(left())))
      if (this.#state.running && !(await within(this.#eventLoop, left(), this.#run.whenIdle())))
        throw notLoaded('what agents sent in onStart was still under way')
      await each(control => control.put())
    } catch (error) {
      // one that does not come by has it taken back when it does: orders keep their order
      const back = Promise.allSettled(loops.map(loop => loop.order(control => control.endLoad(false))))
      await within(this.#eventLoop, 2 * GRACE_MS, back)
      throw error
    }
    for (const loop of loops) void loop.order(control => control.endLoad(true)).catch(() => {}) // nothing is left to go wrong
  }

  /** Gives an order to all of them. @throws TimeoutError that names the threads that do not come by */
  async #inTime<T>(
    loops: readonly LoopHandle[],
    left: () => number,
    give: (control: Orders, loop: LoopHandle) => Later<T>,
    what: string,
  ): Promise<T[]> {
    const late = new Set(loops)
    const given = loops.map(async loop => {
      const answer = await loop.order(control => give(control, loop))
      late.delete(loop)
      return answer
    })
    const all = Promise.all(given)
    if (await within(this.#eventLoop, left() + GRACE_MS, all)) return all
    const names = [...late].map(({ index }) => `thread ${index}`).join(', ')
    throw new TimeoutError(`${what}: ${names} did not come back to its event loop`)
  }

  /** Begins with `work` at once, or behind the sends that are held back now: they come first. */
  behindSends<T>(work: () => Promise<T>): Promise<T> {
    const { admission } = this.#run.host
    return this.#state.running && admission.held ? admission.behind(work) : work()
  }

  /** Whether no agent has stopped with this run: a snapshot without them would look like one of an empty runtime. */
  get #whole(): boolean {
    return (this.#state.running || this.#state.now === 'new') && !this.#run.house.stopping
  }

  /**
   * Runs `work` with the application's sends held back and nothing under way, again and again until it is done.
   * @throws TimeoutError, StoppedError
   */
  async #quietly<T>(ms: number, work: (left: () => number) => Promise<Done<T>>): Promise<T> {
    const run = this.#run
    const { admission } = run.host
    const end = this.#eventLoop.now() + ms
    const left = (): number => Math.max(0, end - this.#eventLoop.now())
    const before = this.#last
    let over!: () => void
    this.#last = new Promise<void>(resolve => {
      over = resolve
    }).then(() => before) // also if this one does not wait for it
    const closed = this.behindSends(async () => admission.close())
    try {
      const mine = Promise.all([closed, before])
      if (!(await within(this.#eventLoop, left(), mine)))
        throw new TimeoutError(`another save or load, or what was sent before, was still at work after ${ms} ms`)
      for (let patience = LULL_MS; ; patience *= 2) {
        const quiet = !this.#whole || !this.#state.running || (await within(this.#eventLoop, left(), run.whenIdle()))
        const done = quiet
          ? await this.#undisturbed(left, () => this.#inLull(Math.min(patience, left()), () => work(left)))
          : undefined
        if (done !== undefined) return done.value
        if (left() > 0) continue
        throw new TimeoutError(
          `the agents were still busy after ${ms} ms; state is saved and loaded only when nothing is under way`,
        )
      }
    } finally {
      closed.then(
        () => admission.open(),
        () => {}, // it never was
      )
      over()
    }
  }

  /** Runs `work` when no agent moves, unless the time is over before. */
  async #undisturbed<T>(left: () => number, work: () => Promise<Done<T>>): Promise<Done<T>> {
    let late = false
    let enter!: () => void
    const entered = new Promise<void>(resolve => {
      enter = resolve
    })
    const done = this.#run.recycler.undisturbed(async () => {
      enter()
      return late ? undefined : work()
    })
    if (await within(this.#eventLoop, left(), Promise.race([entered, done]))) return done
    late = true
    return undefined
  }

  /** Runs `work` when agents do nothing of themselves, unless it takes longer than `ms` until nothing is under way. @throws StoppedError */
  async #inLull<T>(ms: number, work: () => Promise<Done<T>>): Promise<Done<T>> {
    if (!this.#whole) throw stopped()
    if (!this.#state.running) return work()
    const run = this.#run
    const lull = (on: boolean): Promise<void> => run.everywhere(loop => loop.order(control => control.lull(on)))
    try {
      const still = lull(true).then(() => run.whenIdle())
      if (!(await within(this.#eventLoop, ms, still))) return undefined
      if (!this.#whole) throw stopped()
      return await work()
    } finally {
      void lull(false).catch(() => {}) // told to who is there; a thread that ends has no lull
    }
  }
}

function stopped(): StoppedError {
  return new StoppedError('the runtime was stopped')
}

function notLoaded(why: string): TimeoutError {
  return new TimeoutError(`${NOT_LOADED}: ${why}`)
}

function read(snapshot: Snapshot): SavedState[] {
  if (typeof snapshot !== 'object' || snapshot === null)
    throw new StateError('a snapshot is an object, as saveState() returns it')
  if (snapshot.version !== 1)
    throw new StateError(`a snapshot of version ${String(snapshot.version)} is not known here; this is version 1`)
  const versions = new Map(Object.entries(snapshot.types ?? {})) // own ones: a type may be called __proto__, or constructor
  return Object.entries(snapshot)
    .filter(([key]) => key.includes('/'))
    .map(([agent, state]) => ({ agent, state, version: versions.get(toAgentId(agent).type) ?? 1 }))
}
