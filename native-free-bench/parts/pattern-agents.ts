// The agents of the suite `patterns`, loaded on the threads; the single loop loads the same module.
import { agent, event, request } from 'ringreeve'
import { dispatched, type FollowUp, follow } from 'ringreeve/dispatch'
import { memory } from 'ringreeve/memory'

export const Echo = request<unknown, unknown>('echo')
export const Step = event<{ left: number }>('step')

export const callee = agent('callee', { threads: 1, concurrency: 'interleaved' }).on(Echo, body => body)

/** What the agents do with an event, and what the plain loop calls. */
export const next = ({ left }: { left: number }): FollowUp | undefined =>
  left === 0 ? undefined : follow(Step, { left: left - 1 })

export const stepper = agent('stepper').on(dispatched(Step), ({ payload }) => next(payload))
export const listener = agent('listener').on(dispatched(Step), () => undefined)
export const shared = memory('memory')
