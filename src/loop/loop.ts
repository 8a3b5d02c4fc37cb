// A loop: one event loop that hosts agents. It joins the parts (cells, way in, way out, scheduler) and holds what they
// share; every engine is this loop, once or many times. What it keeps: `accepted` counts work before anything shows
// that it left where it came from, and `done` counts it after everything that it led to is shown.
import { AgentFailedError, StoppedError, UnknownAgentError } from '../agent/errors.js'
import { type AgentId, agentId, toAgentId } from '../agent/ids.js'
import { Observer } from '../observe/observer.js'
import { Routes, type RouteTable } from '../routing/table.js'
import { Bell } from '../sync/bell.js'
import type { CancelFlags } from '../sync/cancel.js'
import { systemThread } from '../sync/cpu.js'
import { at, Counters, type House, type Status } from '../sync/status.js'
import { Codec } from '../transport/codec.js'
import { Kind } from '../transport/frame.js'
import { Link, type LinkParts } from '../transport/link.js'
import { Queue } from '../transport/queue.js'
import { type WaitStrategyName, waitStrategy } from '../transport/wait.js'
import { Audiences } from './base/audience.js'
import { type Clock, SteadyClock } from './base/clock.js'
import { type EventLoop, ownEventLoop, within } from './base/event-loop.js'
import { Gate } from './base/gate.js'
import { Reports } from './base/reports.js'
import { Scheduler } from './base/scheduler.js'
import { Sites } from './base/sites.js'
import { Cell } from './cell/cell.js'
import { Checkpoints } from './cell/checkpoints.js'
import { Deadlines } from './cell/deadlines.js'
import { SlowTurns } from './cell/slow.js'
import { type Heap, HeapWatch } from './control/heap.js'
import type { OpenTurn } from './control/last-words.js'
import type { HostedType } from './hosted.js'
import { type CallHost, CallTable, type Waiter } from './peer/calls.js'
import { Incoming } from './peer/incoming.js'
import { Peer } from './peer/peer.js'
import { Outgoing } from './send/outgoing.js'

const CACHED_ADDRESSES = 100_000

/** Where an agent is: its loop (-1: nowhere), and its cell once it was used here. */
export interface Address {
  readonly id: AgentId
  readonly text: string
  readonly loop: number
  cell: Cell | undefined
}

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
  /** Default: the real one. */
  readonly clock?: Clock | undefined
  /** Of the thread that the loop is on. Default: the calling thread's. */
  readonly eventLoop?: EventLoop | undefined
}

/** One loop. */
export class Loop implements CallHost {
  readonly index: number
  readonly life: number
  readonly origin: string
  readonly house: House
  readonly clock: Clock
  readonly eventLoop: EventLoop
  readonly counters = new Counters()
  readonly codec = new Codec()
  readonly routes = new Routes()
  readonly audiences = new Audiences(this)
  readonly reports: Reports
  readonly sites = new Sites()
  readonly observer: Observer
  readonly outgoing: Outgoing
  readonly deadlines: Deadlines
  readonly checkpoints = new Checkpoints(this)
  readonly slow: SlowTurns
  /** Of a thread that is recycled when its heap is full. */
  readonly heap: HeapWatch | undefined
  readonly scheduler: Scheduler
  readonly waiters = new CallTable<Waiter>()
  /** While closed, it holds back what the application sends. */
  readonly gate = new Gate()
  /** States of agents that were unloaded. */
  readonly unloaded = new Map<string, unknown>()
  /** Cells of agents that are gone, as long as turns of theirs go on. */
  readonly outlived = new Set<Cell>()
  /**
   * Messages that frames brought beyond one each. So many run before more work is taken in: an event may be a thousand
   * messages, and memory full of them is slow.
   */
  spread = 0
  /** Whether agents do nothing of themselves any more, because the loop is to stop. */
  resting = false
  /** Host only: looks whether all is idle, when somebody wants to know. */
  onQuiet: (() => void) | undefined
  readonly #status: Status
  readonly #flags: CancelFlags
  readonly #options: LoopOptions
  readonly #peers: (Peer | undefined)[] = []
  #incoming: Incoming[] = []
  readonly #types = new Map<string, HostedType>()
  readonly #cells = new Map<string, Cell>()
  #addresses = new Map<string, Address>()
  readonly #line = new Queue<Cell>()
  /** Frames of links to lives that are over. */
  readonly #before = { taken: 0, written: 0 }
  #sequence = 0
  #open: 'open' | 'draining' | 'closed' = 'open'
  /** Told when no turn is at work, while the loop stops. */
  #still: (() => void) | undefined
  #reason = new StoppedError('the runtime was stopped')

  constructor(options: LoopOptions) {
    this.#options = options
    this.index = options.index
    this.life = options.life
    this.origin = `${options.index}.${options.life}`
    this.house = options.house
    this.eventLoop = options.eventLoop ?? ownEventLoop
    this.clock = options.clock ?? new SteadyClock(options.house, this.eventLoop)
    this.#status = options.status
    this.#flags = options.flags
    this.reports = new Reports(this, options)
    this.observer = new Observer(this.index, this.reports.note)
    this.outgoing = new Outgoing(this)
    this.slow = new SlowTurns(this, options.status)
    this.deadlines = new Deadlines(this.clock, options.status)
    const { index, life, recycleAt } = options
    const full = (heap: Heap): void => void this.reports.tellHost({ kind: 'full', loop: index, life, heap }, true)
    this.heap = index > 0 && recycleAt > 0 ? new HeapWatch(recycleAt, full) : undefined
    const strategy = options.loops > 1 ? waitStrategy(options.index === 0 ? 'poll' : options.wait) : undefined
    this.scheduler = new Scheduler(this, new Bell(options.status), strategy, options.paused, this.eventLoop)
    for (let i = 0; i < options.loops; i++) {
      this.#peers.push(i === this.index ? undefined : new Peer(this.index, i, this.codec, this.waiters, this))
    }
    this.clock.join?.({ hasWork: () => this.scheduler.running && this.#line.length > 0 })
  }

  // ---- work -------------------------------------------------------------------------------------------------------

  chunk(most: number): number {
    let worked = 0
    const hungry = this.spread <= 0 || this.#line.length === 0
    if (hungry) this.spread = 0
    for (const incoming of this.#incoming) {
      if (incoming.retry()) worked = 1
      if (incoming.takeAnswers()) worked = 1
      if (hungry && incoming.takeWork()) worked = 1
    }
    let ran = 0
    while (ran < most) {
      const cell = this.#line.shift()
      if (cell === undefined) break
      cell.inLine = false
      while (ran < most && cell.runnable) {
        cell.runNext()
        ran++
      }
      this.ready(cell)
    }
    this.spread -= ran
    return worked + ran
  }

  hasWork(): boolean {
    if (this.#line.length > 0) return true
    for (const peer of this.#peers) if (peer?.link?.hasWork === true) return true
    if (this.index === 0 && this.house.idleWanted) this.onQuiet?.()
    return false
  }

  /** Loops that are awake, this one included, as far as it is linked to them. */
  awake(): number {
    let awake = 1
    for (const peer of this.#peers) if (peer?.link?.awake === true) awake++
    return awake
  }

  links(): number {
    return this.#incoming.length
  }

  expecting(): boolean {
    return !this.waiters.empty
  }

  get turns(): number {
    return this.counters.get(at.running)
  }

  pending(): boolean {
    return this.turns > 0
  }

  /** Shows what was done to who can see it: other loops, and who waits for all to be idle. */
  publish(): void {
    this.reports.flush()
    if (this.#options.loops > 1 || this.house.idleWanted) this.show()
  }

  /** Shows what was done. */
  show(): void {
    for (const peer of this.#peers) peer?.link?.work.out.publish()
    for (const peer of this.#peers) peer?.link?.answers.out.publish() // after all that was sent before they were given
    this.#countFrames()
    this.counters.values[at.parks] = this.scheduler.sleeps
    this.#status.publish(this.counters)
    if (!this.house.idleWanted) return
    if (this.index === 0) this.onQuiet?.()
    else if (this.counters.get(at.accepted) === this.counters.get(at.done)) this.#peers[0]?.link?.wake()
  }

  /** Counts work that began of itself, and shows it before anybody can see what it does. */
  acceptOwn(): void {
    this.counters.add(at.accepted, 1)
    this.showAccepted()
  }

  /** Shows the work that came out of a ring before the ring shows that it left. */
  readonly showAccepted = (): void => this.#status.publishAccepted(this.counters)

  /** A cell may have something to do. */
  ready(cell: Cell): void {
    if (cell.inLine || !cell.runnable) return
    cell.inLine = true
    this.#line.push(cell)
    this.scheduler.request()
  }

  /** Something ended, perhaps outside the loop's own work: it must be shown. */
  settled(): void {
    if (this.#still !== undefined && this.counters.get(at.running) === 0) this.#still()
    this.scheduler.request()
  }

  /** Frames were written and must be shown. */
  sentOut(): void {
    this.scheduler.flush()
  }

  /** Runs one message, for a loop that is paused. */
  step(): boolean {
    for (let cell = this.#line.shift(); cell !== undefined; cell = this.#line.shift()) {
      cell.inLine = false
      if (!cell.runnable) continue // it was paused since
      cell.runNext()
      this.ready(cell)
      this.publish()
      return true
    }
    return false
  }

  #countFrames(): void {
    let taken = this.#before.taken
    let written = this.#before.written
    for (const peer of this.#peers) {
      if (peer?.link === undefined) continue
      taken += peer.link.taken
      written += peer.link.written
    }
    this.counters.values[at.framesIn] = taken
    this.counters.values[at.framesOut] = written
  }

  /** Takes in the messages of all rings, ahead of their turn. */
  takeIn(): void {
    for (const incoming of this.#incoming) incoming.takeIn()
    this.scheduler.request()
  }

  // ---- agents -----------------------------------------------------------------------------------------------------

  host(type: HostedType): void {
    this.#types.set(type.spec.type, type)
  }

  hosted(type: string): HostedType | undefined {
    return this.#types.get(type)
  }

  /** Where an agent is. Ids that were used are remembered. */
  address(recipient: AgentId | string): Address {
    const text = typeof recipient === 'string' ? recipient : recipient?.toString()
    return this.#addresses.get(text) ?? this.#remember(toAgentId(recipient))
  }

  /** Why nobody hosts an agent. */
  nowhere({ id, text }: Address, message?: string): UnknownAgentError | AgentFailedError {
    const failed = this.routes.failed(id.type)
    if (failed !== undefined) return agentFailed(text, failed)
    const types = this.routes.types.join(', ') || 'none'
    return new UnknownAgentError(`no agent type '${id.type}' is registered (asked for ${text}); registered: ${types}`, {
      agent: text,
      message,
    })
  }

  /** Where an agent is; undefined when nobody hosts its type. */
  addressOf(type: string, key: string): Address | undefined {
    const address = this.#addresses.get(`${type}/${key}`) ?? this.#remember(agentId(type, key))
    return address.loop < 0 ? undefined : address
  }

  readonly agentId = (type: string, key?: string): AgentId => agentId(type, key)

  #remember(id: AgentId): Address {
    const text = id.toString()
    const known = this.#addresses.get(text)
    if (known !== undefined) return known
    if (this.#addresses.size >= CACHED_ADDRESSES) this.#addresses.clear()
    const address = { id, text, loop: this.routes.loopOf(id.type, id.key) ?? -1, cell: undefined }
    if (address.loop >= 0) this.#addresses.set(text, address)
    return address
  }

  /** The cell of an agent that lives here. */
  cell(address: Address): Cell {
    if (address.cell !== undefined && !address.cell.forgotten) return address.cell
    let cell = this.#cells.get(address.text)
    if (cell === undefined) {
      const type = this.#types.get(address.id.type)
      if (type === undefined)
        throw new Error(`loop ${this.index} was told to host '${address.id.type}' and has no such type`)
      cell = new Cell(address.text, type, this)
      this.#cells.set(address.text, cell)
    }
    address.cell = cell
    return cell
  }

  /** The cell of an agent that lives here, if there is one. */
  existing(text: string): Cell | undefined {
    return this.#cells.get(text)
  }

  get cells(): Iterable<Cell> {
    return this.#cells.values()
  }

  /** The turns at work, for who has to know what a thread leaves undone. */
  *openTurns(): Iterable<OpenTurn> {
    for (const cells of [this.#cells.values(), this.outlived]) {
      for (const cell of cells) {
        for (const { message } of cell.turns()) {
          if (message !== undefined) yield { agent: cell.text, message: message.name, messageId: message.id }
        }
      }
    }
  }

  /** What was kept of an agent is not to come back. */
  forgetState(cell: Cell): void {
    this.unloaded.delete(cell.text)
    this.checkpoints.forget(cell)
  }

  forget(cell: Cell): void {
    if (cell.forgotten) return // the name may be another's by now
    cell.forgotten = true // for whoever holds its address
    if (cell.running > 0) this.outlived.add(cell)
    this.#cells.delete(cell.text)
    this.#addresses.delete(cell.text)
  }

  // ---- other loops ------------------------------------------------------------------------------------------------

  peer(index: number): Peer {
    return this.#peers[index] as Peer
  }

  attach(parts: LinkParts): void {
    const peer = this.peer(parts.peer)
    const link = new Link(
      parts,
      this.codec.book,
      () => this.scheduler.rung(),
      () => this.#line.length > 0,
      this.eventLoop.receive,
    )
    this.#incoming.push(new Incoming(this, peer, link))
    peer.attach(link)
    this.scheduler.rung()
  }

  detach(index: number, life: number, why: string, forGood: boolean, overdue?: string): void {
    const peer = this.peer(index)
    const { link } = peer
    if (link?.life === life) {
      const last = this.#incoming.find(incoming => incoming.peer === index)
      try {
        last?.finish() // what it published before it died is whole
      } catch (error) {
        this.reports.unhandled(undefined, undefined, error)
      }
      this.#incoming = this.#incoming.filter(incoming => incoming.peer !== index)
      this.#before.taken += link.taken
      this.#before.written += link.written
    }
    peer.detach(life, why, forGood, overdue)
    this.settled()
  }

  route(table: RouteTable): void {
    this.routes.replace(table)
    this.#addresses = new Map()
    this.audiences.forget()
    for (const cell of this.#cells.values()) {
      const failed = this.routes.failed(cell.id.type)
      if (failed !== undefined) cell.abandon(agentFailed(cell.text, failed))
    }
  }

  livesOn(agent: string, loop: number): boolean {
    return this.address(agent).loop === loop
  }

  /** Whether what is for some other loop waits here because that one is to move. */
  get holding(): boolean {
    return this.#peers.some(peer => peer?.holding === true)
  }

  /** Whether every frame for this loop was taken, and every frame of it is in its ring. */
  get drained(): boolean {
    return this.#peers.every(peer => peer?.drained !== false)
  }

  /**
   * The cancel flags of the calls that one life of a loop made; undefined when this loop knows another life of it, or none.
   * Others may know it sooner or longer, and send on what it has sent: by its slots alone the flags of one life would
   * speak of the calls of another.
   */
  flagsOf(loop: number, life: number): CancelFlags | undefined {
    if (loop === this.index) return life === this.life ? this.#flags : undefined
    const link = this.#peers[loop]?.link
    return link?.life === life ? link.flags : undefined
  }

  giveUp(waiter: Waiter): void {
    if (waiter.peer === undefined || !this.waiters.has(waiter)) return
    this.#flags.raise(waiter.slot, waiter.generation)
    const peer = this.peer(waiter.peer)
    const { link } = peer
    if (link === undefined || link.life !== waiter.life) return
    peer.control(link, Kind.CANCEL, waiter.slot, waiter.generation, 'by its caller')
    this.settled()
  }

  /** Whether a loop has ended and does not begin again. */
  isGone(index: number): boolean {
    return this.#peers[index]?.gone === true
  }

  get keepsUnheard(): boolean {
    return this.#options.unheard
  }

  /** The calls that this loop has made to another and waits for, as text: the first few. */
  callsTo(index: number): string[] {
    return this.waiters.of(index, 5).map(({ name, agent }) => `'${name}' of ${agent}`)
  }

  /** Says which of Node's threads this loop lives on. */
  set thread(id: number) {
    this.#status.systemThread = systemThread()
    this.#status.thread = id
  }

  // ---- counting ---------------------------------------------------------------------------------------------------

  countCall(by: 1 | -1): void {
    this.counters.add(by === 1 ? at.accepted : at.done, 1)
    if (by === -1) this.settled()
  }

  nextSequence(): number {
    return ++this.#sequence
  }

  // ---- ending -----------------------------------------------------------------------------------------------------

  /** @throws StoppedError when the application, or (while draining) anybody but a turn at work, may send no more */
  checkOpen(turn: unknown): void {
    if (this.#open === 'open' || (this.#open === 'draining' && turn !== undefined)) return
    throw turn === undefined ? new StoppedError(this.#reason.message) : this.#reason // the place that sent is in the stack
  }

  get closed(): boolean {
    return this.#open === 'closed'
  }

  stopReason(): StoppedError {
    return this.#reason
  }

  /** The reason that everything gets that is dropped when the loop stops. */
  failWith(reason: StoppedError): void {
    this.#reason = reason
  }

  /** Stops what agents do of themselves, and lets paused ones work off what waits. */
  rest(): void {
    this.resting = true
    for (const cell of this.#cells.values()) void cell.rest()
  }

  /** From now on only turns send. */
  drain(): void {
    if (this.#open === 'open') this.#open = 'draining'
  }

  /**
   * Drops what waits, settles every call, lets the turns at work end (at most `ms`), runs every `onStop` (likewise).
   * @returns what `onStop` threw
   */
  async stop(ms: number): Promise<unknown[]> {
    this.#open = 'closed'
    this.resting = true
    const error = Object.preventExtensions(this.#reason) // told to many, as in Cell.abandon
    const cells = [...this.#cells.values()]
    for (const cell of cells) cell.abandon(error)
    this.outgoing.abandon(error)
    for (const waiter of this.waiters.clear()) waiter.reject(error)
    for (const peer of this.#peers) peer?.abandon(error)
    const turns = this.pending() ? new Promise<void>(resolve => (this.#still = resolve)) : undefined
    await within(this.eventLoop, ms, Promise.all([turns, ...cells.map(cell => cell.rest())]))
    const failures: unknown[] = []
    const stops = cells.map(cell =>
      cell.life.stop(true).catch(failure => {
        failures.push(failure)
        this.observer.failed(cell, undefined, failure)
      }),
    )
    await within(this.eventLoop, ms, Promise.all(stops))
    this.deadlines.stop()
    this.publish()
    return failures
  }

  /** Lets go of everything, shared memory above all; the loop does nothing any more. */
  end(): void {
    this.scheduler.stop()
    this.#incoming = []
    for (const peer of this.#peers) peer?.close(this.#reason)
    this.#flags.close()
  }
}

function agentFailed(agent: string, why: string): AgentFailedError {
  return new AgentFailedError(`${agent} is not hosted any more: its type ended threads too often, last: ${why}`, {
    agent,
  })
}
