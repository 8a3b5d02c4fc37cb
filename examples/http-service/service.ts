// The service: two endpoints and no notion of threads. Whether the heavy one keeps the light one waiting is decided
// where the runtime is made.
import { Hono } from 'hono'
import type { Runtime } from 'ringreeve'
import { CountPrimes } from './agents.js'

const LANES = 16
const MOST = 5_000_000

export function service(runtime: Runtime): Hono {
  let requests = 0
  const app = new Hono()
  app.get('/light', c => c.json({ fine: true }))
  app.get('/heavy', async c => {
    const below = Number(c.req.query('n'))
    if (!Number.isInteger(below) || below < 0 || below > MOST)
      return c.json({ error: `n is a number up to ${MOST}` }, 400)
    // An agent does one thing at a time, so the requests take turns on several. A client that hangs up cancels its own.
    const agent = `primes/${requests++ % LANES}`
    const count = await runtime.send(CountPrimes, { below }, agent, { signal: c.req.raw.signal })
    return c.json({ below, count })
  })
  return app
}
