// The bench: the same agents on one loop and on threads, beside what Node and Piscina offer, measured side by side in
// one run. Nothing here passes or fails; it prints tables and writes results/latest.json, latest.md and charts.
//
//   node build/native-free-bench/main.js [--quick | --full] [--suite NAME]… [--rounds N] [--ms N] [--threads N] [--out FOLDER]
import { availableParallelism } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { machine, root, watchOthers } from './parts/machine.js'
import { disturbed, type Finished, header, text, write } from './parts/report.js'
import type { Settings, Suite } from './parts/suite.js'
import { codecSuite } from './suites/codec.js'
import { cost } from './suites/cost.js'
import { envelopes } from './suites/envelopes.js'
import { hostBlock } from './suites/host-block.js'
import { parallel } from './suites/parallel.js'
import { patterns } from './suites/patterns.js'
import { roundTrip } from './suites/round-trip.js'
import { sameLoop } from './suites/same-loop.js'
import { savina } from './suites/savina.js'
import { transport } from './suites/transport.js'

const all: readonly Suite[] = [
  parallel,
  sameLoop,
  envelopes,
  roundTrip,
  transport,
  codecSuite,
  savina,
  patterns,
  cost,
  hostBlock,
]

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    full: { type: 'boolean', default: false },
    suite: { type: 'string', multiple: true },
    rounds: { type: 'string' },
    ms: { type: 'string' },
    threads: { type: 'string' },
    out: { type: 'string' },
  },
})

function whole(option: 'rounds' | 'ms' | 'threads', otherwise: number): number {
  const given = values[option]
  const n = given === undefined ? otherwise : Number(given)
  if (!Number.isInteger(n) || n < 1) throw new Error(`--${option} takes a whole number of at least 1, got ${given}`)
  return n
}

function chosen(): readonly Suite[] {
  const names = values.suite ?? all.map(({ name }) => name)
  return names.map(name => {
    const suite = all.find(one => one.name === name)
    if (suite === undefined)
      throw new Error(`there is no suite '${name}'; there are: ${all.map(one => one.name).join(', ')}`)
    return suite
  })
}

const { quick, full } = values
if (quick && full) throw new Error('--quick and --full are opposites: give one of them')
const settings: Settings = {
  quick,
  full,
  rounds: whole('rounds', quick ? 3 : full ? 7 : 5),
  ms: whole('ms', quick ? 30 : full ? 100 : 50),
  threads: whole('threads', availableParallelism()),
}
const on = await machine()
console.log(header(on, settings))

/** Shows what is being measured, where somebody watches. */
function say(what: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${what}`)
}

const finished: Finished[] = []
const began = performance.now()
for (const suite of chosen()) {
  const others = watchOthers()
  const tables = await suite.run(settings, progress => say(`${suite.name}: ${progress}`))
  say('')
  const one = { suite, tables, others: others() }
  finished.push(one)
  console.log(`\n── ${suite.name} ${'─'.repeat(100 - suite.name.length)}\n${suite.shows}\n`)
  for (const table of tables) console.log(text(table))
  console.log(`· ${disturbed(one)}`)
}
const folder = values.out === undefined ? join(root, 'native-free-bench', 'results') : resolve(values.out)
await write(folder, on, settings, finished)
console.log(
  `\n${((performance.now() - began) / 1000).toFixed(0)} s. Every round is in latest.json, the tables are in latest.md.`,
)
