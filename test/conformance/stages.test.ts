// Promised: what becomes of an agent, whatever it is just doing (a state) when whatever happens to it (an event).
import type { Runtime } from 'ringreeve'
import { afterAll, describe, expect, it } from 'vitest'
import { type Engine, engines, open } from './engines.js'
import {
  type EventName,
  events,
  type MomentName,
  moments,
  play,
  playMoment,
  type StateName,
  states,
} from './stage-cases.js'
import { allowed, ofMoments } from './stage-rows.js'
import { pairs } from './stage-table.js'

const agents = [new URL('./stage-agents.js', import.meta.url)]
const names = <T extends object>(of: T) => Object.keys(of) as (keyof T)[]
let number = 0
/** More than a play takes to say what is not as expected. */
const PATIENCE_MS = 60_000

it('the table has every pair', () => {
  expect(names(pairs)).toEqual(names(states))
  for (const state of names(pairs)) expect([state, names(pairs[state])]).toEqual([state, names(events)])
  expect(names(ofMoments)).toEqual(names(moments))
})

/** Runtimes of one engine; what plays has one to itself, since it counts. */
function stagesOf(engine: Engine) {
  const free: Runtime[] = []
  afterAll(async () => {
    await Promise.all(free.map(runtime => runtime.close({ timeout: 1_000 })))
  })
  return async (ends: boolean, what: (runtime: Runtime) => Promise<void>): Promise<void> => {
    const runtime = free.pop() ?? (await open(engine, { agents }))
    let whole = false
    try {
      await what(runtime)
      whole = !ends
    } finally {
      if (whole) free.push(runtime)
      else await runtime.close({ drain: false, timeout: 1_000 }).catch(() => {})
    }
  }
}

function see(seen: string, expected: readonly string[]): void {
  if (!expected.includes(seen)) expect(seen).toBe(expected.join('   or   '))
}

for (const engine of engines.filter(({ threads }) => threads < 3)) {
  const onStage = stagesOf(engine)
  // two threads differ from one only in what goes from one to the other
  const played = names(events).filter(event => engine.threads < 2 || event.startsWith('circle'))
  for (const state of names(states)) {
    describe.concurrent(`an agent is: ${state} (${engine.name})`, () => {
      it.each(played)(
        'and then: %s',
        async event => {
          const expected = allowed(pairs[state as StateName][event as EventName])
          await onStage('ends' in events[event], async runtime => {
            see(await play(runtime, ++number, state, event, expected), expected)
          })
        },
        PATIENCE_MS,
      )
    })
  }
  describe.concurrent(`moments (${engine.name})`, () => {
    it.each(names(moments))(
      '%s',
      async name => {
        const expected = allowed(ofMoments[name as MomentName])
        await onStage('ends' in moments[name], async runtime => {
          see(await playMoment(runtime, ++number, name, expected), expected)
        })
      },
      PATIENCE_MS,
    )
  })
}
