// Promised: a stage changes only as its table says. Each table is walked over all pairs of stages: what is in it is taken, and
// what is not is refused by an error that names both.
import { describe, expect, it } from 'vitest'
import { StoppedError } from '#ringreeve/agent/errors.js'
import { Admission, loopStages } from '#ringreeve/loop/base/admission.js'
import { Burst, burstStages } from '#ringreeve/loop/base/burst.js'
import { Directory } from '#ringreeve/loop/base/directory.js'
import { Ledger } from '#ringreeve/loop/base/ledger.js'
import { Rest, restStages } from '#ringreeve/loop/base/rest.js'
import { Scheduler, schedulerStages } from '#ringreeve/loop/base/scheduler.js'
import { agentStages, type Stage, Staged } from '#ringreeve/loop/cell/stage.js'
import { Waiter, waiterStages } from '#ringreeve/loop/peer/waiter.js'
import { Way, wayStages } from '#ringreeve/loop/peer/way.js'
import { Bell } from '#ringreeve/sync/bell.js'
import { Status } from '#ringreeve/sync/status.js'
import type { Link } from '#ringreeve/transport/link.js'
import { waitStrategy } from '#ringreeve/transport/wait.js'
import { HandLoop } from './hand-loop.js'

/** Something with a stage, and how a test moves it. */
interface Subject {
  readonly stage: string
  go(stage: string): void
}

interface Table {
  readonly what: string
  readonly table: Readonly<Record<string, readonly string[]>>
  readonly make: () => Subject
  /** Stages that nothing asks for again, or only to no effect, once it is in them. */
  readonly again?: readonly string[]
  /** Stages that nothing can ask for: it begins in them. */
  readonly first?: readonly string[]
  /** Where who asks for what cannot be is not refused, since it comes about: two ends of one thing. */
  readonly quiet?: readonly (readonly [from: string, to: string])[]
}

/** By its number in the table, for stages that are numbers inside. */
const at = (table: Table['table'], stage: string): never => Object.keys(table).indexOf(stage) as never

class OpenWaiter extends Waiter {
  readonly agent = 'a/1'
  readonly name = 'ask'
  reject(): void {}

  go(stage: string): void {
    if (stage === 'held') this.hold()
    else if (stage === 'queued') this.ask(1, 1)
    else if (stage === 'in ring') this.wrote(8)
    else this.settle()
  }
}

class OpenBurst extends Burst {
  go(stage: string): void {
    this.to(at(burstStages, stage))
  }
}

class OpenRest extends Rest {
  go(stage: string): void {
    this.to(at(restStages, stage))
  }
}

class OpenScheduler extends Scheduler {
  go(stage: string): void {
    this.to(at(schedulerStages, stage))
  }
}

/** An agent: beside its stage it has three bits, each of them set or not. */
class OpenAgent extends Staged {
  readonly text = 'a/1'
  readonly #bits: readonly boolean[]

  constructor(bits: number) {
    super()
    this.#bits = [4, 2, 1].map(bit => (bits & bit) !== 0)
    this.paused = (bits & 4) !== 0
    this.lined = (bits & 2) !== 0
    if ((bits & 1) !== 0) this.watch()
  }

  go(stage: string): void {
    try {
      this.to(stage as Stage)
    } finally {
      expect([this.paused, this.lined, this.watched]).toEqual(this.#bits)
      expect(this.ready).toBe(this.stage === 'ready')
      expect(this.open).toBe(!this.paused && (this.stage === 'ready' || this.stage === 'absent'))
    }
  }
}

function way(): Subject {
  const status = new Status()
  const one = new Way(1, '0.0', new Directory(0), new Ledger(status, { request() {} }))
  const steps: Readonly<Record<string, () => void>> = {
    unlinked: () => one.unlink(),
    open: () => one.open({ close() {} } as Link),
    'holding most': () => one.hold(false),
    'holding all': () => one.hold(true),
    lost: () => one.lose('it fell'),
    closed: () => one.close(new StoppedError('over')),
  }
  return {
    get stage() {
      return one.stage
    },
    go: stage => steps[stage]?.(),
  }
}

function loop(): Subject {
  const one = new Admission()
  return {
    get stage() {
      return one.stage
    },
    go: stage => one.to(stage as never),
  }
}

const hand = new HandLoop()
const bell = new Bell(new Status())
const tables: Table[] = [
  ...Array.from({ length: 8 }, (_, bits) => ({
    what: `an agent with the bits ${bits.toString(2).padStart(3, '0')}`,
    table: agentStages,
    make: () => new OpenAgent(bits),
  })),
  { what: 'a loop', table: loopStages, make: loop },
  {
    what: 'a waiter',
    table: waiterStages,
    make: () => new OpenWaiter(),
    again: ['held', 'settled'],
    first: ['new'],
    quiet: [['settled', 'in ring']], // whoever gave up before its frame was written
  },
  {
    what: 'a way',
    table: wayStages,
    make: way,
    again: Object.keys(wayStages),
    quiet: [['closed', 'lost']], // why nothing goes there is known
  },
  { what: 'a burst', table: burstStages, make: () => new OpenBurst(hand, () => {}) },
  { what: 'a rest', table: restStages, make: () => new OpenRest(bell, waitStrategy('poll'), hand, () => {}) },
  { what: 'a scheduler', table: schedulerStages, make: () => new OpenScheduler(bell, undefined, true, hand) },
]

/** The shortest way to a stage. */
function reach({ table, make }: Table, stage: string): Subject {
  const paths: string[][] = [[]]
  const seen = new Set<string>()
  for (const path of paths) {
    const subject = make()
    for (const step of path) subject.go(step)
    if (subject.stage === stage) return subject
    if (seen.has(subject.stage)) continue
    seen.add(subject.stage)
    for (const step of table[subject.stage] ?? []) paths.push([...path, step])
  }
  throw new Error(`nothing leads to ${stage}`)
}

for (const one of tables) {
  describe(`${one.what} is taken from stage to stage as its table says:`, () => {
    const stages = Object.keys(one.table)
    for (const from of stages)
      for (const to of stages) {
        if (one.first?.includes(to)) continue
        const allowed = one.table[from]?.includes(to) === true
        const quiet = (from === to && one.again?.includes(to)) || one.quiet?.some(([a, b]) => a === from && b === to)
        it(`${from} to ${to}: ${allowed ? 'taken' : quiet ? 'nothing' : 'refused'}`, () => {
          const subject = reach(one, from)
          if (allowed || quiet) subject.go(to)
          else expect(() => subject.go(to)).toThrow(new RegExp(`\\b${from}\\b.* cannot become ${to}$`))
          expect(subject.stage).toBe(allowed ? to : from)
        })
      }
  })
}

it('the bits of an agent change one by one, whatever its stage', () => {
  const agent = new OpenAgent(0)
  const bits = (): string => `${agent.stage} ${+agent.paused}${+agent.lined}${+agent.watched}`
  for (const stage of ['absent', 'starting', 'ready', 'ending', 'gone'] as const) {
    if (stage !== 'absent') agent.to(stage)
    const watched = stage === 'absent' || stage === 'starting' ? 0 : 1
    expect(bits()).toBe(`${stage} 00${watched}`)
    agent.paused = true
    agent.lined = true
    expect(bits()).toBe(`${stage} 11${watched}`)
    agent.paused = false
    expect(bits()).toBe(`${stage} 01${watched}`)
    agent.lined = false
    expect(bits()).toBe(`${stage} 00${watched}`)
    if (stage === 'starting') agent.watch()
  }
})
