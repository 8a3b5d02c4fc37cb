// The agents of a house full of thermometers, loaded on the threads.
import { agent, event, request } from 'ringreeve'

export const Reading = event<{ celsius: number }>('reading')
export const Mean = request<void, number>('mean')
export const Seen = request<void, string[]>('seen')
export const Forecast = request<{ days: number }, number>('forecast')

/** One for each room: a topic is `type/source`, and the source picks the agent, so `temperature/attic` is heard by `room/attic`. */
export const room = agent('room', { state: () => ({ sum: 0, count: 0 }), subscriptions: ['temperature'] })
  .on(Reading, ({ celsius }, ctx) => {
    if (celsius > 60) throw new Error(`${ctx.id.key} is on fire`)
    ctx.state.sum += celsius
    ctx.state.count += 1
  })
  .on(Mean, (_, ctx) => ctx.state.sum / ctx.state.count)
  // A handler that never yields cannot get an event; `ctx.cancelled` reads the caller's wish from shared memory.
  .on(Forecast, ({ days }, ctx) => {
    let weather = 1
    for (let step = 0; step < days * 1e6; step++) {
      weather = (weather * 16_807) % 2_147_483_647
      if (step % 1024 === 0 && ctx.cancelled) {
        console.log(`  ${ctx.id} stops after ${(step / 1e6).toFixed(0)} of ${days} days`)
        return Number.NaN
      }
    }
    return weather % 40
  })

/** Has no subscription of its own: main.ts gives it one, and takes it away again. */
export const diary = agent('diary', { state: () => ({ lines: [] as string[] }) })
  .on(Reading, ({ celsius }, ctx) => {
    ctx.state.lines.push(`${ctx.topic} ${celsius}`)
  })
  .on(Seen, (_, ctx) => ctx.state.lines)
