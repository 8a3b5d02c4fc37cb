// A loop: one event loop that hosts agents. It makes the parts and joins them, and does nothing itself but the chunk of work that
// its scheduler asks for; every engine is this loop, once or many times.
import type { StoppedError } from '../agent/errors.js'
import type { RouteTable } from '../routing/table.js'
import { Bell } from '../sync/bell.js'
import type { CancelFlags } from '../sync/cancel.js'
import { ownRanTime } from '../sync/cpu.js'
import type { House, Status } from '../sync/status.js'
import { Codec } from '../transport/codec.js'
import { type WaitStrategyName, waitStrategy } from '../transport/wait.js'
import { Admission } from './base/admission.js'
import { type Clock, SteadyClock } from './base/clock.js'
import { Contexts } from './base/contexts.js'
import { Directory } from './base/directory.js'
import { type EventLoop, ownEventLoop, within } from './base/event-loop.js'
import { Ledger } from './base/ledger.js'
import { Line } from './base/line.js'
import { Origin } from './base/message.js'
import { type Heap, type HostLane, Reports } from './base/reports.js'
import { Scheduler, type Workload } from './base/scheduler.js'
import { Agents, type Busy } from './cell/agents.js'
import type { Cell } from './cell/cell.js'
import { Checkpoints } from './cell/checkpoints.js'
import { inSlices } from './cell/slices.js'
import type { WayOut } from './cell/turn.js'
import { TurnWatch } from './cell/turn-watch.js'
import { HeapWatch } from './control/heap.js'
import type { HostedType } from './hosted.js'
import { Peers } from './peer/peers.js'
import { CallTable, type Waiter } from './peer/waiter.js'
import { Events } from './send/events.js'
import { Passage } from './send/passage.js'
import { Requests, type SendHost } from './send/requests.js'

/** What a loop is made of. */
export interface LoopOptions {
  readonly index: number
  readonly life: number
  /** Loops of the runtime, this one included. */
  readonly loops: number
  readonly house: House
  readonly status: Status
  readonly flags: CancelFlags
  readonly wait: WaitStrategyName
  readonly paused: boolean
  /** Whether entries for the event log are wanted. */
  readonly log: boolean
  /** Whether errors that nobody waits for are wanted. */
  readonly unhandled: boolean
  /** Whether events that nobody hears become dead letters. */
  readonly unheard: boolean
  /** The share of its heap's limit at which a thread is recycled; 0: never. */
  readonly recycleAt: number
  /** Whether handlers run in the async context of who sent on this loop. */
  readonly senderContext: boolean
  /** Default: the real one. */
  readonly clock?: Clock | undefined
  /** Of the thread that the loop is on. Default: the calling thread's. */
  readonly eventLoop?: EventLoop | undefined
}

/** What whoever uses a loop sends with: the application, and what a handle or a dead letter asks for. */
export interface Outgoing extends WayOut {
  /** Asks an agent to stop, behind everything that was sent to it from here. */
  readonly stop: Requests['stop']
}

/** One loop. */
export class Loop {
  readonly eventLoop: EventLoop
  readonly scheduler: Scheduler
  readonly ledger: Ledger
  readonly admission = new Admission()
  readonly directory: Directory
  readonly reports: Reports
  readonly agents: Agents
  readonly peers: Peers
  readonly passage: Passage
  readonly outgoing: Outgoing
  /** What its scheduler has it do. */
  readonly work: Workload
  /** Of a thread that is recycled when its heap is full. */
  readonly heap: HeapWatch | undefined
  /** Host only: looks whether all is idle, when somebody wants to know. */
  onQuiet: (() => void) | undefined
  readonly #index: number
  readonly #house: House
  readonly #line: Line
  readonly #waiters = new CallTable<Waiter>()
  readonly #watch: TurnWatch

  constructor(options: LoopOptions) {
    const { index, life, loops, house, status, flags } = options
    const eventLoop = options.eventLoop ?? ownEventLoop
    const clock: Clock = options.clock ?? new SteadyClock(house, eventLoop)
    const origin = new Origin(index, life)
    this.#index = index
    this.#house = house
    this.eventLoop = eventLoop
    const strategy = loops > 1 ? waitStrategy(index === 0 ? 'poll' : options.wait) : undefined
    this.scheduler = new Scheduler(new Bell(status), strategy, options.paused, eventLoop)
    this.ledger = new Ledger(status, this.scheduler)
    this.#line = new Line(this.scheduler)
    this.directory = new Directory(index)
    this.reports = new Reports(index, origin, options, this.#hostLane())
    const checkpoints = new Checkpoints(this.reports, clock, this.ledger, () => this.peers.showHost())
    const ran = options.clock === undefined && eventLoop === ownEventLoop ? ownRanTime : undefined
    this.#watch = new TurnWatch(clock, status, this.reports.observer, this.ledger, ran)
    this.passage = new Passage(this.admission, this.ledger, eventLoop)
    const { ledger, admission, directory, reports, passage, scheduler } = this
    const line = this.#line
    // the way out needs the agents, and their turns need it: it is put in below, before anything can have its turn
    const late = (one: { readonly deadlineAt: number }): boolean => this.#watch.isLate(one)
    const turn = {
      out: undefined as unknown as WayOut,
      clock,
      house,
      admission,
      reports,
      aside: <T>(work: () => T): T => this.admission.inNobodys(() => this.#watch.aside(work)),
      late,
      turns: firstTurn(life),
    }
    const contexts = options.senderContext ? new Contexts() : undefined
    const work = { ledger, line, reports, answers: passage, watch: this.#watch, contexts, turn }
    this.agents = new Agents(directory, origin, checkpoints, eventLoop, work)
    const { agents: recipients } = this
    this.peers = new Peers(loops, life, flags, eventLoop, {
      directory,
      recipients,
      waiters: this.#waiters,
      codec: new Codec(),
      ledger,
      line,
      reports,
      scheduler,
      waits: recipients.waits,
    })
    recipients.waits.onStuck = () => {
      reports.tellHost({ kind: 'stuck' })
      scheduler.flush()
    }
    const host: SendHost = { admission, directory, recipients, ledger, origin, reports, peers: this.peers, passage }
    const requests = new Requests(host, scheduler, clock)
    const events = new Events(host, scheduler, this.agents.waits, options.unheard)
    this.outgoing = { send: requests.send, publish: events.publish, stop: recipient => requests.stop(recipient) }
    turn.out = this.outgoing
    const full = (heap: Heap): void => void reports.tellHost({ kind: 'full', loop: index, life, heap })
    this.heap = index > 0 && options.recycleAt > 0 ? new HeapWatch(options.recycleAt, full) : undefined
    this.work = this.#workload()
    scheduler.serve(this.work)
    clock.join?.({ hasWork: () => scheduler.running && line.length > 0 })
  }

  /** The work, as the scheduler asks for it. */
  #workload(): Workload {
    const [line, peers, ledger, waiters] = [this.#line, this.peers, this.ledger, this.#waiters]
    const alone = peers.list.length === 1
    return {
      chunk: most => {
        const worked = peers.take(line.wantsMore())
        return line.run(most) + (worked ? 1 : 0)
      },
      hasWork: () => {
        if (line.length > 0 || peers.hasWork) return true
        if (this.#index === 0 && this.#house.idleWanted) this.onQuiet?.()
        return false
      },
      awake: () => 1 + peers.awake,
      expecting: () => !waiters.empty,
      pending: () => ledger.running > 0,
      links: () => peers.links,
      show: () => {
        this.reports.flush()
        if (!alone || this.#house.idleWanted) this.show()
      },
    }
  }

  /** The way of reports to the host: the peers, once they are there. */
  #hostLane(): HostLane {
    const behind = (): number | undefined => this.peers.behind
    return {
      get behind() {
        return behind()
      },
      tell: (report, written) => this.peers.tell(report, written),
      sentOut: () => this.scheduler.flush(),
    }
  }

  // ---- what is asked of it ----------------------------------------------------------------------------------------

  host(type: HostedType): void {
    this.agents.host(type)
  }

  route(table: RouteTable): void {
    this.directory.route(table)
    this.agents.abandonFailed()
  }

  /** Shows what was done to who can see it: other loops, and who waits for all to be idle. */
  show(): void {
    const { peers, ledger } = this
    peers.show()
    ledger.show(peers.taken, peers.written, this.scheduler.sleeps)
    if (!this.#house.idleWanted) return
    if (this.#index === 0) this.onQuiet?.()
    else if (ledger.balanced) peers.wakeHost()
  }

  // ---- ending -----------------------------------------------------------------------------------------------------

  /** Stops what agents do of themselves, and lets paused ones work off what waits. */
  rest(): void {
    if (!this.admission.resting) this.admission.to('resting')
    this.agents.rest()
  }

  /**
   * Stops the agents that have an `onStop`, while others are there still to hear what it says. What comes for one that has stopped
   * makes it anew: then it is to be asked again.
   * @returns how many there were, and what `onStop` threw
   */
  async farewell(): Promise<{ readonly stopped: number; readonly failures: unknown[] }> {
    const failures: unknown[] = []
    const there = (cell: Cell): boolean => cell.stage === 'ready' || cell.stage === 'starting'
    const cells = [...this.agents.cells].filter(cell => cell.type.spec.onStop !== undefined && there(cell))
    const stopping = await inSlices(this.eventLoop, cells, Number.POSITIVE_INFINITY, cell =>
      // once the loop is closed its own stop has those that are left
      this.admission.closed ? undefined : cell.stop(false).catch(failure => this.#endedBadly(cell, failure, failures)),
    )
    await stopping.all
    return { stopped: cells.length, failures }
  }

  #endedBadly(cell: Cell, failure: unknown, failures: unknown[]): void {
    failures.push(failure)
    this.reports.observer.failed(cell, undefined, failure)
  }

  /**
   * Drops what waits, settles every call, lets the turns at work end (at most `settle` ms), runs every `onStop` (at most `ms`).
   * @returns what `onStop` threw, and what was not waited for any longer
   */
  async stop(ms: number, settle = ms): Promise<{ readonly failures: unknown[]; readonly left: Busy }> {
    const { admission, ledger, eventLoop } = this
    admission.to('closed')
    const error: StoppedError = Object.preventExtensions(admission.reason) // told to many
    const cells = [...this.agents.cells]
    for (const cell of cells) cell.abandon(error)
    this.passage.abandon(error)
    this.peers.abandon(error)
    const turns = ledger.running > 0 ? new Promise<void>(resolve => ledger.whenStill(resolve)) : undefined
    const loops = cells.map(cell => cell.rest()).filter(resting => resting !== undefined)
    await within(eventLoop, settle, Promise.all([turns, ...loops]))
    const late = this.agents.busy() // before `onStop` of these agents: that is what held it up
    const failures: unknown[] = []
    const end = eventLoop.now() + ms
    const stopping = await inSlices(eventLoop, cells, end, cell =>
      cell.stop(true).catch(failure => this.#endedBadly(cell, failure, failures)),
    )
    await within(eventLoop, end - eventLoop.now(), stopping.all)
    const left = this.agents.busy()
    this.#watch.clear()
    this.agents.waits.end()
    this.work.show()
    return { failures, left: left.agents.length > 0 ? left : { ...late, unstopped: left.unstopped } }
  }

  /** Lets go of everything, shared memory above all; the loop does nothing any more. */
  end(): void {
    this.scheduler.end()
    this.peers.end(this.admission.reason)
    if (this.admission.stage === 'closed') this.admission.to('ended')
  }
}

/** Where a life begins to number its turns: far from where the lives before and after it do (steps of the golden ratio). */
function firstTurn(life: number): number {
  return Math.imul(life, 0x9e3779b1)
}
