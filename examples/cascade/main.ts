// A cascade: two agents on two threads hear the default topic, and publish a new message on every message they hear,
// but no more than five each. The end is awaited, not guessed: idle() resolves when the last message is handled.
import { createRuntime, type LogEntry } from 'ringreeve'
import { Greeting } from './agents.js'

const published: LogEntry[] = []
await using runtime = await createRuntime({
  threads: 2,
  agents: [new URL('./agents.js', import.meta.url)],
  log: entry => {
    if (entry.event === 'publish') published.push(entry)
  },
})

await runtime.publish(Greeting, { content: 'Hello!' })
await runtime.idle()

for (const worker of ['worker1/default', 'worker2/default']) {
  const { length } = published.filter(({ sender }) => sender === worker)
  if (length !== 5) throw new Error(`${worker} published ${length} messages, not 5`)
  console.log(`${worker} published exactly ${length} messages`)
}
