// The smallest program: two agents that hash on two threads at once, called from here like functions, while an agent
// on this thread hears what they announce.
import { agent, createRuntime } from 'ringreeve'
import { Digest, Hashed, hasher } from './agents.js'

// Given as an object, so it lives on this thread. It hears the default topic: `listener/alice` hears `hasher/alice`.
const listener = agent('listener', { subscriptions: ['default'] }).on(Hashed, ({ total }, ctx) => {
  console.log(`${ctx.sender} began its digest no. ${total}`)
})

// Given as a module, so it is loaded on the threads. With `threads: 0` everything runs right here instead.
await using runtime = await createRuntime({ threads: 2, agents: [listener, new URL('./agents.js', import.meta.url)] })

// Keys are spread over the threads: these two happen to be on different ones, so both hash at the same time.
const began = performance.now()
const [ofAlice, ofCarol] = await Promise.all([
  runtime.send(Digest, { text: 'hello', rounds: 100_000 }, 'hasher/alice'),
  runtime.send(Digest, { text: 'world', rounds: 100_000 }, 'hasher/carol'),
])
console.log(`hello ${ofAlice}, world ${ofCarol}: ${(performance.now() - began).toFixed(0)} ms for both`)

const alice = runtime.handle(hasher, 'alice')
console.log(`hi ${await alice.send(Digest, { text: 'hi', rounds: 10 })}`)

await alice.send(Digest, { text: 'too much', rounds: 1e9 }, { signal: AbortSignal.timeout(200) }).catch(error => {
  console.log(`${error.name}: ${error.message}`)
})
await runtime.idle()
