// Loops joined on one thread, without coordinator and threads: so that a test can take their steps one by one, and can
// look at every moment between two steps of shared memory.
import { MessageChannel } from 'node:worker_threads'
import type { AnyAgent } from '#ringreeve/agent/definition.js'
import { HostedType } from '#ringreeve/loop/hosted.js'
import { Loop } from '#ringreeve/loop/loop.js'
import { CancelFlags } from '#ringreeve/sync/cancel.js'
import { House, Status } from '#ringreeve/sync/status.js'
import type { LinkParts } from '#ringreeve/transport/link.js'
import { createRing, RingGauge } from '#ringreeve/transport/ring.js'

/** Loops with links between all of them. `agents[i]` are hosted by loop i; topics `type` go to the agents named. */
export function joinLoops(agents: readonly (readonly AnyAgent[])[], topics: Readonly<Record<string, string>> = {}) {
  const house = new House()
  const statuses = agents.map(() => new Status())
  const flags = agents.map(() => new CancelFlags())
  const memories: SharedArrayBuffer[] = []
  const gauges: RingGauge[] = []
  const loops = agents.map(
    (_, index) =>
      new Loop({
        index,
        life: 1,
        loops: agents.length,
        house,
        status: statuses[index] as Status,
        flags: flags[index] as CancelFlags,
        wait: 'poll',
        paused: false,
        log: false,
        unhandled: false,
        unheard: false,
        recycleAt: 0,
        senderContext: false,
      }),
  )
  const ring = (): SharedArrayBuffer => {
    const memory = createRing(65_536)
    memories.push(memory)
    gauges.push(new RingGauge(memory))
    return memory
  }
  for (let a = 0; a < loops.length; a++) {
    for (let b = a + 1; b < loops.length; b++) {
      const ab = { work: ring(), answers: ring() }
      const ba = { work: ring(), answers: ring() }
      const { port1, port2 } = new MessageChannel()
      const parts = (peer: number, out: typeof ab, into: typeof ab, port: LinkParts['port']): LinkParts => ({
        peer,
        life: 1,
        work: { out: out.work, in: into.work },
        answers: { out: out.answers, in: into.answers },
        port,
        status: (statuses[peer] as Status).memory,
        flags: (flags[peer] as CancelFlags).memory,
      })
      loops[a]?.peers.attach(parts(b, ab, ba, port1))
      loops[b]?.peers.attach(parts(a, ba, ab, port2))
    }
  }
  const types = Object.fromEntries(agents.flatMap((all, index) => all.map(({ type }) => [type, { loops: [index] }])))
  const subscriptions = Object.entries(topics).map(([topic, agent], i) => ({
    id: `${i}`,
    agent,
    topic,
    prefix: undefined,
  }))
  for (const [index, loop] of loops.entries()) {
    for (const one of agents[index] ?? []) loop.host(new HostedType(one))
    loop.route({ version: 1, types, subscriptions })
  }
  const end = (): void => {
    for (const loop of loops) loop.end()
  }
  return { loops, house, statuses, memories, gauges, end, [Symbol.dispose]: end }
}
