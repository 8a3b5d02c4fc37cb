// What a loop must look like when nothing is under way, and the machine when the runtime is closed.
import type { Loop } from '#ringreeve/loop/loop.js'
import type { SimMachine } from './executor.js'
import type { World } from './world.js'

/**
 * Looks whether a loop has anything left.
 * @param wide whether agents were paused, stopped and so on: it must remember none that is not there
 */
export function checkLoop({ directory, work, peers, agents }: Loop, wide: boolean, wrong: string[]): void {
  const name = `loop ${directory.index}`
  if (work.expecting()) wrong.push(`${name} still waits for answers`)
  if (work.pending() || work.hasWork()) wrong.push(`${name} has something to do`)
  for (const peer of peers.list) {
    if (peer === undefined) continue
    const { index, inbound, link } = peer
    if (inbound.size > 0) wrong.push(`${name} holds ${inbound.size} that came from ${index}`)
    if ((link?.work.out.backlog ?? 0) + (link?.answers.out.backlog ?? 0) > 0)
      wrong.push(`${name} has a backlog for ${index}`)
  }
  if (!wide) return
  for (const { agent } of agents.openTurns()) wrong.push(`${name} remembers a turn of ${agent}`)
  for (const { stage, text } of agents.cells) {
    if (stage === 'absent') wrong.push(`${name} remembers ${text}, which is not there`)
  }
}

/** Looks whether anything is left of a runtime that was closed. */
export function checkEnd(world: World, { alive }: SimMachine, wrong: string[]): void {
  if (alive.length > 0) wrong.push(`threads are left: ${alive.map(life => life.thread.name)}`)
  if (world.openPorts > 0) wrong.push(`${world.openPorts} ports are open`)
  if (world.host.strongTimers > 0) wrong.push(`${world.host.strongTimers} timers are left`)
}
