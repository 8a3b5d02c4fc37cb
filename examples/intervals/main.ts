// What it shows: agents with a life of their own, on threads: an interval, a background loop, a one-shot timer, an
// interval that fails and goes on, pausing, stopping one agent, and an idle agent that is unloaded and comes back.
import { setTimeout } from 'node:timers/promises'
import { agent, createRuntime } from 'ringreeve'
import { alarm, Failed, Measured, Raised, sensor } from './agents.js'

let raise!: () => void
const raised = new Promise<void>(resolve => {
  raise = resolve
})
const screen = agent('screen', { subscriptions: ['default'] })
  .on(Measured, ({ value, offset }) => console.log(`  measured ${value} (recalibrated ${offset} times)`))
  .on(Raised, ({ after }) => {
    console.log(`  alarm, after ${after}`)
    raise()
  })

await using runtime = await createRuntime({
  threads: 2,
  agents: [screen, new URL('./agents.js', import.meta.url)],
  log: entry => {
    if (entry.event === 'error') console.log(`  reported: ${entry.agent}: ${entry.reason}`)
  },
})
const garden = runtime.handle(sensor, 'garden')
await runtime.get(garden.id, { lazy: false }) // made now, not at its first message
await raised

console.log('a broken sensor fails every second time, and goes on:')
await garden.send(Failed)
await setTimeout(450)

console.log('paused, it does nothing:')
await garden.pause()
await setTimeout(300)
await garden.resume()

console.log('stopped, it is gone; the alarm hears nothing more and is unloaded:')
await garden.stop()
await setTimeout(1_000)
console.log('one more value, and it is back, with what it knew:')
await runtime.publish(Measured, { value: 0, offset: 0 }, { topic: 'default/garden', until: 'handled' })
console.log(`state of the alarm: ${JSON.stringify(await runtime.handle(alarm, 'garden').saveState())}`)
