// The agents of a loop without the loop: cells with their ledger, line and reports, time that a test lets pass, and messages
// that say what became of them.

import type { AnyAgent } from '#ringreeve/agent/definition.js'
import { agentId } from '#ringreeve/agent/ids.js'
import { WaitGraph } from '#ringreeve/coordinator/wait-graph.js'
import { Admission } from '#ringreeve/loop/base/admission.js'
import type { Cancellation } from '#ringreeve/loop/base/cancellation.js'
import type { ChainNode } from '#ringreeve/loop/base/chain.js'
import type { Clock } from '#ringreeve/loop/base/clock.js'
import { Directory } from '#ringreeve/loop/base/directory.js'
import { Ledger } from '#ringreeve/loop/base/ledger.js'
import { Line } from '#ringreeve/loop/base/line.js'
import { Message, Origin } from '#ringreeve/loop/base/message.js'
import { type Kept, type Report, Reports } from '#ringreeve/loop/base/reports.js'
import { Agents } from '#ringreeve/loop/cell/agents.js'
import { Checkpoints } from '#ringreeve/loop/cell/checkpoints.js'
import { TurnWatch } from '#ringreeve/loop/cell/turn-watch.js'
import { endWaits } from '#ringreeve/loop/control/end-waits.js'
import type { Orders } from '#ringreeve/loop/control/orders.js'
import { HostedType } from '#ringreeve/loop/hosted.js'
import { at, House, Status } from '#ringreeve/sync/status.js'
import { HandLoop } from './hand-loop.js'

/** The clock of an event loop that is turned by hand. */
export function handClock(hand: HandLoop): Clock {
  return {
    now: () => hand.now(),
    after: (ms, work) => {
      const timer = hand.after(ms, work)
      return { cancel: () => void timer.close() }
    },
  }
}

interface Parts {
  readonly isRequest?: boolean
  readonly payload?: unknown
  readonly chain?: ChainNode
  readonly cancellation?: Cancellation
}

/** Cells of agents of these types, on loop 1. */
export function cells(...types: AnyAgent[]) {
  const hand = new HandLoop()
  const clock = handClock(hand)
  const status = new Status()
  const counts = new Float64Array(Object.keys(at).length)
  const ledger = new Ledger(Object.assign(status, { show: (values: Float64Array) => counts.set(values) }), {
    request() {},
  })
  const line = new Line({ running: true, request() {} })
  const origin = new Origin(1, 1)
  const directory = new Directory(1)
  const admission = new Admission()
  /** What became of what, in order: also what handlers put here. */
  const log: string[] = []
  /** What the host was told. */
  const told: Report[] = []
  const host = { behind: 0, tell: (report: Report, _written?: () => void) => void told.push(report), sentOut() {} }
  const reports = new Reports(1, origin, { log: false, unhandled: true }, host)
  const checkpoints = new Checkpoints(reports, clock, ledger, () => {})
  const watch = new TurnWatch(clock, status, reports.observer, ledger, undefined)
  const out = { send: () => Promise.reject(new Error('no way out')), publish: async () => {} }
  const late = (one: { readonly deadlineAt: number }): boolean => watch.isLate(one)
  const turn = { out, clock, house: new House(), admission, reports, aside: watch.aside, late, turns: 0 }
  const answers = { answer: (_message: Message, _type: unknown, value: unknown) => value }
  const work = { ledger, line, reports, answers, watch, contexts: undefined, turn }
  const agents = new Agents(directory, origin, checkpoints, hand, work)
  for (const type of types) agents.host(new HostedType(type))
  const routes = Object.fromEntries(types.map(({ type }) => [type, { loops: [1] }]))
  directory.route({ version: 1, types: routes, subscriptions: [] })

  const graph = new WaitGraph(hand, () => [
    {
      ...{ index: 1, life: 1, status, flags: undefined as never },
      order: async work => {
        const blocked: Orders['blocked'] = turns => agents.blocked(turns)
        const end: Orders['endWaits'] = verdicts => endWaits(verdicts, agents, [])
        return await work({ blocked, endWaits: end } as Orders)
      },
    },
  ])
  agents.waits.onStuck = () => void graph.look()

  /** Puts a message in. @param id what the log calls it */
  const send = (to: string, name: string, id = name, parts: Parts = {}): Message => {
    const one = new Message({
      name,
      id,
      isRequest: true,
      payload: undefined,
      sender: undefined,
      recipient: agentId(...(to.split('/') as [string, string])),
      topic: undefined,
      origin: origin.text,
      sequence: origin.next(),
      trace: undefined,
      chain: undefined,
      cancellation: undefined,
      reply: {
        answer: ({ id }, value) => void log.push(value === undefined ? id : `${id}: ${value}`),
        fail: ({ id }, error) => void log.push(`${id}! ${error instanceof Error ? error.name : error}`),
      },
      slot: 0,
      generation: 0,
      ...parts,
    })
    agents.of(to).put(one)
    return one
  }
  /** All that is runnable runs, and what follows from it. */
  const settle = async (): Promise<void> => {
    for (let quiet = 0; quiet < 3; quiet++) {
      while (line.run(16) > 0) quiet = 0
      await new Promise(resolve => setImmediate(resolve))
    }
  }
  /** What was logged since it was asked last. */
  const since = async (): Promise<string[]> => {
    await settle()
    return log.splice(0)
  }
  /** Lets time pass. */
  const pass = async (ms: number): Promise<void> => {
    hand.pass(ms)
    await settle()
  }
  /** The counts that others would see. */
  const count = (counter: keyof typeof at): number => {
    ledger.show(0, 0, 0)
    return counts[at[counter]] as number
  }
  /** What of agents the host was told to keep. */
  const kept = (): Kept[] => told.flatMap(report => (report.kind === 'kept' ? [report.kept] : []))
  /** Errors that nobody waited for. */
  const unhandled = (): string[] =>
    told.flatMap(report => (report.kind === 'unhandled' ? [(report.error as Error).message] : []))
  const of = (agent: string) => agents.of(agent)
  return {
    ...{ agents, of, send, settle, since, pass, count, kept, unhandled, log, told, host, reports },
    ...{ hand, clock, ledger, line, admission, directory, checkpoints, reports, turn },
  }
}

/** Something that a test ends when it likes. */
export function gate() {
  let open!: () => void
  let fail!: (error: unknown) => void
  const opened = new Promise<void>((resolve, reject) => {
    open = resolve
    fail = reject
  })
  return { opened, open, fail }
}

/** A promise as a word, once it is settled. */
export function outcome(promise: Promise<unknown>): { now: string } {
  const one = { now: 'waits' }
  promise.then(
    () => {
      one.now = 'done'
    },
    error => {
      one.now = `${error instanceof Error ? error.message : error}`
    },
  )
  return one
}
