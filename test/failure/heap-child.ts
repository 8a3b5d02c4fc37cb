// A process of its own for what may end one: a thread that runs out of its heap. `node heap-child.js CASE` prints, as JSON on
// its last line, what the application saw. One that is told that a thread hangs says so and ends itself: nothing else would.
import { createRuntime, type LogEntry, type RuntimeOptions } from 'ringreeve'
import { failure } from '../conformance/engines.js'
import * as leaky from './leaky.js'
import { Fill, Noted } from './mortal-heaps.js'

const KB = 256
const log: LogEntry[] = []

process.on('warning', warning => {
  if ((warning as { code?: string }).code !== 'RINGREEVE_SLOW') return
  process.stdout.write(`${JSON.stringify({ hangs: warning.message })}\n`, () => process.kill(process.pid, 'SIGKILL'))
})

function open(more: RuntimeOptions = {}) {
  const agents = [new URL('./leaky.js', import.meta.url), new URL('./mortal-heaps.js', import.meta.url)]
  return createRuntime({ threads: 2, agents, resourceLimits: { maxOldGenerationSizeMb: 48 }, ...more })
}

const reasons = (event: LogEntry['event']): unknown[] =>
  log.filter(entry => entry.event === event).map(entry => entry.reason)

/** Sends until one of them fails. */
async function untilItFails(send: () => Promise<unknown>): Promise<unknown> {
  for (;;) {
    try {
      await send()
    } catch (error) {
      return error
    }
  }
}

/** One turn takes all there is. */
async function turn(how: string): Promise<unknown> {
  await using runtime = await open()
  const { name, code, message, agent, messageType, maybeExecuted, retryable } = await failure(
    runtime.send(Fill, how, 'filler/x'),
  )
  const after = await runtime.send(Noted, undefined, 'filler/x')
  await runtime.idle()
  return { name, code, message, agent, messageType, maybeExecuted, retryable, after }
}

/** The state of an agent grows. */
async function state(): Promise<unknown> {
  await using runtime = await open({ log: entry => log.push(entry) })
  const { name } = (await untilItFails(() => runtime.send(leaky.Hoard, KB, 'hoarder/x'))) as Error
  const after = await runtime.send(leaky.Hoard, KB, 'hoarder/x')
  return { name, after, recycled: runtime.stats().recycled, recycles: reasons('recycle'), crashes: reasons('crash') }
}

/** Nobody recycles. */
async function off(): Promise<unknown> {
  await using runtime = await open({ recycleAt: 0, log: entry => log.push(entry) })
  const { name } = (await untilItFails(() => runtime.send(leaky.Leak, KB, 'leaky/x'))) as Error
  return { name, recycled: runtime.stats().recycled, recycles: reasons('recycle') }
}

const [what = '', how = ''] = process.argv.slice(2)
const seen = what === 'turn' ? await turn(how) : what === 'state' ? await state() : await off()
process.stdout.write(`${JSON.stringify(seen)}\n`)
