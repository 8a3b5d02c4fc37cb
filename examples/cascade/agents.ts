// Two agents that answer every message they hear with another one, until each has published five.
import { agent, event } from 'ringreeve'

export const Greeting = event<{ content: string }>('greeting')

function greeter(name: string) {
  // `threads: 1` puts each type on a thread of its own, as the original has each in a worker of its own
  return agent(name, { threads: 1, state: () => ({ counter: 0 }), subscriptions: ['default'] }).on(
    Greeting,
    async (_, ctx) => {
      ctx.state.counter += 1
      if (ctx.state.counter > 5) return
      const content = `${name}: Hello x ${ctx.state.counter}`
      console.log(content)
      await ctx.publish(Greeting, { content })
    },
  )
}

export const worker1 = greeter('worker1')
export const worker2 = greeter('worker2')
