// Agents that end their thread when told to, and what they keep of themselves.
import { agent, type CheckpointPolicy, event, request } from 'ringreeve'

export const Count = request<void, number>('count')
export const Look = request<void, { n: number; restarts: number; starts: number }>('look')
export const Keep = request<void, void>('keep')
export const End = request<void, void>('end')
export const Both = request<{ to: string }, void>('both')
export const Slip = request<void, void>('slip')
export const Fine = request<void, string>('fine')
export const Linger = request<{ begun: Int32Array; release: Int32Array }, void>('linger')
export const Told = event<void>('told')

const state = () => ({ n: 0, restarts: 0, starts: 0 })

function mortal(type: string, checkpoint: CheckpointPolicy | undefined) {
  return agent(type, { state, ...(checkpoint === undefined ? {} : { checkpoint }), subscriptions: ['told'] })
    .onStart(ctx => {
      ctx.state.starts++
    })
    .onRestart(ctx => {
      ctx.state.restarts++
    })
    .on(Count, (_, ctx) => ++ctx.state.n)
    .on(Look, (_, ctx) => ctx.state)
    .on(Keep, (_, ctx) => ctx.checkpoint())
    .on(Told, () => {})
    .on(End, () => process.exit(7))
    .on(Slip, () => {
      setImmediate(() => process.exit(7)) // when this turn is over, so no turn is to blame
    })
}
export const every = mortal('every', { everyMessages: 1 })
export const thirds = mortal('thirds', { everyMessages: 3 })
export const timed = mortal('timed', { everyMs: 20 })
export const demand = mortal('demand', 'on-demand')
export const plain = mortal('plain', undefined)
export const fragile = agent('fragile', { restarts: { max: 1, within: 60_000 }, subscriptions: ['told'] })
  .on(End, () => process.exit(7))
  .on(Told, () => {})
  .on(Both, async ({ to }, ctx) => ctx.send(End, undefined, to))
  .on(Linger, ({ begun }) => {
    Atomics.store(begun, 0, 1)
    return new Promise(() => {})
  })
/** Ends its thread later, perhaps when its agent is gone. */
export const lingering = agent('lingering').on(Linger, async ({ begun, release }) => {
  Atomics.store(begun, 0, 1)
  while (Atomics.load(release, 0) === 0) await new Promise(resolve => setTimeout(resolve, 1))
  process.exit(7)
})
/** They end their thread where no turn of theirs is open. */
export const factory = agent('factory', { state: () => process.exit(7) }).on(Fine, () => 'fine')
export const starting = agent('starting')
  .onStart(() => process.exit(7))
  .on(Fine, () => 'fine')
export const belated = agent('belated')
  .onStart(async ctx => {
    await ctx.sleep(1)
    process.exit(7)
  })
  .on(Fine, () => 'fine')
export const again = agent('again', { state, checkpoint: { everyMessages: 1 } })
  .onRestart(() => process.exit(7))
  .on(Fine, () => 'fine')
  .on(End, () => process.exit(7))
let tries = 0 // of this life of the thread
export const retrying = agent('retrying', { state, checkpoint: { everyMessages: 1 } })
  .onRestart(ctx => {
    ctx.state.restarts++
    if (++tries < 4) throw new Error('the database is away')
  })
  .on(Count, (_, ctx) => ++ctx.state.n)
  .on(Look, (_, ctx) => ctx.state)
  .on(End, () => process.exit(7))
export const stopping = agent('stopping')
  .onStop(() => process.exit(7))
  .on(Fine, () => 'fine')
export const looping = agent('looping')
  .loop(async ctx => {
    await ctx.sleep(1)
    process.exit(7)
  })
  .on(Fine, () => 'fine')
export const resting = agent('resting')
  .loop(ctx => ctx.sleep(1_000_000))
  .on(Fine, () => 'fine')
export const innocent = agent('innocent').on(Fine, () => 'fine')
