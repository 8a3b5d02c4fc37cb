// Back-pressure end to end: a reader that could go on at full speed, stages that parse and compute on two threads, and a
// writer at the end that pauses now and then. Nobody counts or sleeps to slow the reader down: every stage awaits what
// it sends, so the pipeline never holds more than the reader may have in flight, however slow its end is.
import { createRuntime } from 'ringreeve'
import { Feed, Written } from './agents.js'

const records = 1_000
const inFlight = 16

await using runtime = await createRuntime({ threads: 2, agents: [new URL('./agents.js', import.meta.url)] })
/** Word 0: records that went in; word 1: records that came out. In shared memory, so they can be watched from here. */
const progress = new Int32Array(new SharedArrayBuffer(8))
const feeding = runtime.send(Feed, { records, inFlight, progress }, 'reader/x')

let mostWaiting = 0
const watch = setInterval(() => {
  mostWaiting = Math.max(mostWaiting, runtime.unprocessedMessages)
}, 2)
const show = setInterval(() => console.log(`in: ${progress[0]}, out: ${progress[1]}`), 100)
const { most } = await feeding
clearInterval(watch)
clearInterval(show)

const written = await runtime.send(Written, undefined, 'writer/x')
if (written !== records) throw new Error(`${written} of ${records} records were written`)
if (most > inFlight) throw new Error(`${most} records were under way, and no more than ${inFlight} may be`)
console.log(`${written} records written; never more than ${most} under way, and ${mostWaiting} waiting in mailboxes`)
