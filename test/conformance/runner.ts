// A program that runs until it is told to stop: `node runner.js THREADS`. Its host has work of its own that goes on.
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
const ran = runtime.run({ timeout: 600_000 })
process.on('SIGUSR2', () => console.log(runtime.running ? 'still running' : 'stopping'))
console.log('running')
await ran
console.log('stopped')
