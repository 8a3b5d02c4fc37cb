// One agent alone, which does what it is told.
import { expect } from 'vitest'
import { STOP } from '#ringreeve/agent/message.js'
import type { AgentOptions } from '#ringreeve/agent/options.js'
import { agent, type Context, request } from '#ringreeve/index.js'
import { cells, gate } from './cells.js'

/** Does what its payload says. */
export const Do = request<((ctx: Context) => unknown) | undefined, unknown>('do')
export const doer = (options: AgentOptions<unknown> = {}) => agent('a', options).on(Do, (work, ctx) => work?.(ctx))

/** That agent, `a/1`. */
export function alone(type = doer()) {
  const all = cells(type)
  /** Puts in a message, which does that. */
  const send = (id: string, payload?: (ctx: Context) => unknown): void => void all.send('a/1', 'do', id, { payload })
  /** Asks it to stop, behind what was sent. */
  const stop = (id: string): void => void all.send('a/1', STOP, id)
  /** A turn at work. */
  const hold = (id: string) => {
    const one = gate()
    send(id, () => one.opened)
    return one
  }
  /** Nothing is left of it: neither turns, nor timers, nor anything that idle waits for. */
  const nothingLeft = async (): Promise<void> => {
    await all.settle()
    expect([all.agents.existing('a/1'), all.count('agents'), all.ledger.balanced]).toEqual([undefined, 0, true])
    expect(all.hand.timers.filter(({ set }) => set).length).toBe(0)
  }
  return { ...all, cell: all.of('a/1'), send, stop, hold, nothingLeft }
}
