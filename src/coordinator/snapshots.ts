// The state of all agents, taken and put in. What it keeps: meanwhile nothing is under way, what the application sends
// waits in the gate, in its order, and no agent moves; one snapshot at a time, in the order in which they were asked
// for; none is of agents that have stopped. It waits for quiet before it has the turnstile: a move that comes first may go.
import { StateError, StoppedError, TimeoutError } from '../agent/errors.js'
import { toAgentId } from '../agent/ids.js'
import { type EventLoop, within } from '../loop/base/event-loop.js'
import { type SavedState, unwrap } from '../loop/control/orders.js'
import type { Snapshot } from './api.js'
import type { Coordinator } from './coordinator.js'
import type { LoopHandle } from './mesh.js'
import type { RunState } from './run-state.js'

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
    return this.#quietly(ms, async () => {
      const { registry, loops } = this.#run // only now: a loop may have been replaced meanwhile
      const all = await Promise.all(loops.map(loop => loop.order(control => control.save())))
      const saved = all.flatMap(unwrap).sort((a, b) => (a.agent < b.agent ? -1 : 1))
      const types: Record<string, number> = {}
      const states: Record<string, unknown> = {}
      for (const { agent, state } of saved) {
        const { type } = toAgentId(agent)
        types[type] = registry.types.get(type)?.version ?? 1
        states[agent] = state
      }
      return { version: 1, types, ...states } as Snapshot
    })
  }

  /** All of it, or nothing. @throws StateError, TimeoutError, StoppedError */
  async load(snapshot: Snapshot, ms: number): Promise<void> {
    const all = read(snapshot)
    const { types } = this.#run.registry
    for (const { agent } of all) {
      const { type } = toAgentId(agent)
      if (types.has(type)) continue
      throw new StateError(`the snapshot has ${agent}, and no agent type '${type}' is registered`, { agent })
    }
    await this.#quietly(ms, async () => {
      const byLoop = new Map<LoopHandle, SavedState[]>()
      for (const saved of all) {
        const loop = await this.#run.loopOf(toAgentId(saved.agent))
        const states = byLoop.get(loop)
        if (states === undefined) byLoop.set(loop, [saved])
        else states.push(saved)
      }
      for (const step of ['check', 'restore'] as const) {
        const parts = [...byLoop].map(([loop, states]) => loop.order(control => control[step](states)))
        for (const done of await Promise.all(parts)) unwrap(done)
      }
    })
  }

  /** Begins with `work` at once, or behind the sends that are held back now: they come first. */
  behindSends<T>(work: () => Promise<T>): Promise<T> {
    const { admission } = this.#run.host
    return this.#state.running && admission.held ? admission.hold(work) : work()
  }

  /** Whether no agent has stopped with this run: a snapshot without them would look like one of an empty runtime. */
  get #whole(): boolean {
    return (this.#state.running || this.#state.now === 'new') && !this.#run.house.stopping
  }

  /** Runs `work` with the application's sends held back and nothing under way. @throws TimeoutError, StoppedError */
  async #quietly<T>(ms: number, work: () => Promise<T>): Promise<T> {
    const { admission } = this.#run.host
    const before = this.#last
    let end!: () => void
    this.#last = new Promise(resolve => {
      end = resolve
    })
    await this.behindSends(async () => admission.close())
    try {
      await before
      if (this.#whole && this.#state.running && !(await within(this.#eventLoop, ms, this.#run.whenIdle()))) {
        throw new TimeoutError(
          `the agents were still busy after ${ms} ms; state is saved and loaded only when nothing is under way`,
        )
      }
      return await this.#run.recycler.undisturbed(() => {
        if (!this.#whole) throw new StoppedError('the runtime was stopped')
        return work()
      })
    } finally {
      admission.open()
      end()
    }
  }
}

function read(snapshot: Snapshot): SavedState[] {
  if (typeof snapshot !== 'object' || snapshot === null)
    throw new StateError('a snapshot is an object, as saveState() returns it')
  if (snapshot.version !== 1)
    throw new StateError(`a snapshot of version ${String(snapshot.version)} is not known here; this is version 1`)
  const { types } = snapshot
  return Object.entries(snapshot)
    .filter(([key]) => key.includes('/'))
    .map(([agent, state]) => ({ agent, state, version: types?.[toAgentId(agent).type] ?? 1 }))
}
