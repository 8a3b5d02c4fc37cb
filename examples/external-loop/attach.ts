// First program: the host has a loop of its own, and the agent is attached to it. The host decides when its work ends;
// stopping the runtime neither cancels nor waits for it.
import { createRuntime } from 'ringreeve'
import { hardWork } from './host.js'
import { looper } from './looper.js'

console.log('Attaching the agent to the external loop...')
const host = new AbortController()
const working = hardWork(host.signal)

const runtime = await createRuntime({ agents: [looper] })
await runtime.get('looper/default', { lazy: false })

process.once('SIGINT', async () => {
  await runtime.close()
  console.log('The agent is gone, and the host still works:')
  setTimeout(() => host.abort(), 1_500)
})
await working
