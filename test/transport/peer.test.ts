// Promised: what one sender sends to one agent on another loop comes in order, also while that loop is to move and queues
// over there fill up and empty; and who waits for an event hears of every handler once.
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { agent } from '#ringreeve/agent/definition.js'
import { event, request } from '#ringreeve/agent/message.js'
import type { Parcel } from '#ringreeve/loop/base/message.js'
import type { Loop } from '#ringreeve/loop/loop.js'
import { Call } from '#ringreeve/loop/peer/call.js'
import { Gather, GatherPart } from '#ringreeve/loop/peer/gather.js'
import { joinLoops } from './loops.js'

const Ask = request<number, void>('ask')
const Told = event<number>('told')
const recipients = ['v/1', 'w/1'] as const
const senders = ['s/1', 's/2'] as const

/** A loop that sends, one that takes, and what came there: by sender and recipient. */
function pair() {
  const came = new Map<string, number[]>()
  const take = (n: number, ctx: { readonly id: unknown; readonly sender: unknown }): void => {
    const way = `${ctx.sender} to ${ctx.id}`
    came.set(way, [...(came.get(way) ?? []), n])
  }
  const types = ['v', 'w'].map(type => agent(type).on(Ask, take).on(Told, take))
  const joined = joinLoops([[], types])
  const [loop, other] = joined.loops as [Loop, Loop]
  const routed = Object.fromEntries(types.map(({ type }) => [type, { loops: [1] }]))
  const subscriptions = types.map(({ type }) => ({ id: type, agent: type, topic: 't', prefix: undefined }))
  for (const one of joined.loops) one.route({ version: 2, types: routed, subscriptions })
  const peer = loop.peers.of(1)
  const sent = new Map<string, number[]>()
  const waits: Promise<unknown>[] = []
  let n = 0
  /** @param passes whether a turn over there waits for it */
  const parcel = (name: string, sender: string, to: readonly string[], passes: boolean): Parcel => {
    n++
    for (const one of to) sent.set(`${sender} to ${one}`, [...(sent.get(`${sender} to ${one}`) ?? []), n])
    const chain = passes ? { agent: 'v/caller', turn: -1, parent: undefined, depth: 1 } : undefined
    const none = { serializer: undefined, transfer: undefined, id: undefined, trace: undefined }
    return { ...none, name, payload: n, sender, sequence: n, chain }
  }
  const ask = (sender: string, to: string, passes: boolean): void => {
    const call = new Call(loop.peers, Ask, to, 0, undefined)
    waits.push(call.promise)
    peer.request(call, to, parcel('ask', sender, [to], passes), undefined)
  }
  const tell = (sender: string, passes: boolean): void => {
    const gather = new Gather(loop.ledger, 'told', false)
    const part = (agents: readonly string[]) => new GatherPart(gather, agents)
    peer.event('t/1', recipients, parcel('told', sender, recipients, passes), true, part, undefined)?.catch(() => {})
    waits.push(gather.complete())
  }
  const work = (): void => {
    for (let i = 0; i < 3; i++)
      for (const one of [loop, other]) {
        one.work.show()
        while (one.work.hasWork()) one.work.chunk(16)
      }
  }
  /** What the other loop says; of what is held back still it hears behind what goes, and says so again. */
  const room = (agent: string, most: number): void => {
    if (peer.link !== undefined) peer.unmute(peer.link, agent, most)
  }
  return { ...joined, peer, ask, tell, came, sent, waits, work, room }
}

it('what is held for a move goes before what waited for a full queue after it', async () => {
  using all = pair()
  all.peer.hold(1, false)
  all.ask('s/1', 'w/1', false)
  all.tell('s/1', false)
  all.peer.mute('w/1')
  all.ask('s/1', 'w/1', false)
  all.tell('s/1', false)
  all.peer.release(1)
  all.work()
  all.room('w/1', 9)
  all.work()
  await Promise.all(all.waits)
  expect(all.came).toEqual(all.sent)
})

it('the same, whatever happens in whatever order', async () => {
  const sender = fc.constantFrom(...senders)
  const to = fc.constantFrom(...recipients)
  const most = fc.integer({ min: 1, max: 3 })
  const step = fc.oneof(
    fc.record({
      do: fc.constantFrom('ask', 'ask', 'tell', 'mute', 'unmute', 'work'),
      sender,
      to,
      passes: fc.boolean(),
      most,
    }),
    fc.record({ do: fc.constantFrom('hold', 'hold all', 'release', 'tell'), sender, to, passes: fc.boolean(), most }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async steps => {
      using all = pair()
      const { peer } = all
      for (const { do: what, sender, to, passes, most } of steps) {
        if (what === 'ask') all.ask(sender, to, passes)
        else if (what === 'tell') all.tell(sender, passes)
        else if (what === 'mute') peer.mute(to)
        else if (what === 'unmute') all.room(to, most)
        else if (what === 'release') peer.release(1)
        else if (what === 'work') all.work()
        else peer.hold(1, what === 'hold all')
      }
      peer.release(1)
      for (const one of recipients) all.room(one, 9)
      all.work()
      expect(all.came).toEqual(all.sent)
      await Promise.all(all.waits)
    }),
    { numRuns: 500 },
  )
})
