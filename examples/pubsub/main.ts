// Events: topics and who hears them, waiting until an event is handled everywhere, an interceptor that repairs and
// drops, and a computation that is called off while it runs.
import { createRuntime } from 'ringreeve'
import { diary, Forecast, Mean, Reading, room, Seen } from './agents.js'

await using runtime = await createRuntime({
  threads: 2,
  agents: [new URL('./agents.js', import.meta.url)],
  interceptors: [new URL('./interceptors.js', import.meta.url)],
})

console.log('1. An event goes to the agents that hear its topic.')
for (const celsius of [18.04, 19.5, 21]) await runtime.publish(Reading, { celsius }, { topic: 'temperature/attic' })
await runtime.publish(Reading, { celsius: 12 }, { topic: 'temperature/cellar' })
// `await publish` means accepted, not handled. idle() waits for everything that is on its way.
await runtime.idle()
const attic = runtime.handle(room, 'attic')
console.log(
  `  mean of attic ${await attic.send(Mean)}, of cellar ${await runtime.send(Mean, undefined, 'room/cellar')}`,
)

console.log('2. A subscription is in force on every thread when its promise resolves, and until it is ended.')
const subscription = await runtime.subscribe({ agent: 'diary', prefix: 'temp' })
await runtime.publish(Reading, { celsius: 20.26 }, { topic: 'temperature/attic', until: 'handled' })
await subscription.unsubscribe()
await runtime.publish(Reading, { celsius: 20.28 }, { topic: 'temperature/attic', until: 'handled' })
console.log(`  diary/attic has: ${await runtime.handle(diary, 'attic').send(Seen)} (the interceptor rounded it)`)

console.log('3. The interceptor drops an event: its publisher is told, nobody else gets anything.')
await runtime.publish(Reading, { celsius: -400 }, { topic: 'temperature/attic' }).catch((error: Error) => {
  console.log(`  ${error.name}: ${error.message}`)
})

console.log("4. `until: 'handled'` also says who failed.")
const fire = runtime.publish(Reading, { celsius: 80 }, { topic: 'temperature/cellar', until: 'handled' })
await fire.catch((error: Error) => console.log(`  ${error.name}: ${error.message}`))

console.log('5. The caller gives up after 200 ms; the handler, in the middle of computing, sees it and stops.')
const forecast = attic.send(Forecast, { days: 100_000 }, { signal: AbortSignal.timeout(200) })
await forecast.catch((error: Error) => console.log(`  ${error.name}: ${error.message}`))
console.log(`  attic is free again: mean ${(await attic.send(Mean)).toFixed(2)}`)
