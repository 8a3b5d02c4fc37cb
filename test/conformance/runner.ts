// A program that runs until it is told to stop: `node runner.js THREADS HOW`. Its host has work of its own that goes on. How: 'long'
// has a handler that does not end; 'twice' waits for its end in two places, 'two' has a second runtime, 'too' a listener of its own that
// stops the runtime.
import { createRuntime } from 'ringreeve'
import * as lives from './lives.js'

const runtime = await createRuntime({
  threads: Number(process.argv[2]),
  agents: [new URL('./lives.js', import.meta.url)],
})
await runtime.send(lives.Look, undefined, 'full/x')
const work = runtime.send(lives.Work, { ms: process.argv[3] === 'long' ? 600_000 : 50 }, 'full/x')
work.then(
  n => console.log(`worked ${n}`),
  error => console.log(error.code),
)
if (process.argv[3] === 'too') process.once('SIGINT', () => void runtime.stop())
const ran = runtime.run({ timeout: 600_000 })
const other = process.argv[3] === 'two' ? await createRuntime({ threads: 0 }) : runtime
const also = process.argv[3] === 'twice' || other !== runtime ? other.run({ timeout: 600_000 }) : undefined
process.on('SIGUSR2', () => console.log(runtime.running ? 'still running' : 'stopping'))
console.log('running')
await ran
await also
console.log('stopped')
