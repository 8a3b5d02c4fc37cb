// Second program: the runtime is run, and the host's work goes on beside it. `run()` keeps the process until Ctrl+C.
import { createRuntime } from 'ringreeve'
import { hardWork } from './host.js'
import { looper } from './looper.js'

console.log('Starting the external loop from the agent...')
const host = new AbortController()
const runtime = await createRuntime({ agents: [looper] })
await runtime.get('looper/default', { lazy: false })
const working = hardWork(host.signal)
await runtime.run()
host.abort()
await working
