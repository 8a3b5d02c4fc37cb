// The near-duplicate agents: bands/<b> keeps, for the b-th band of every function's signature, which functions agree
// in it. Bands know nothing of each other, so they are spread over the threads and need no lock.
import { agent } from 'ringreeve'
import { BANDS } from './fingerprint.js'
import { Agreeing, Banded } from './messages.js'

interface BandState {
  /** By run: how many functions were seen, and by band key the exact hashes that have it. */
  readonly runs: Map<string, { seen: number; readonly met: Map<number, Set<number>> }>
}

export const bands = agent('bands', {
  description: 'finds functions that agree in one band of their signatures',
  state: (): BandState => ({ runs: new Map() }),
  subscriptions: ['band'],
  keys: Array.from({ length: BANDS }, (_, band) => String(band)),
})
  .on(Banded, ({ run, keys, exact }, ctx) => {
    const { runs } = ctx.state
    const state = runs.get(run) ?? { seen: 0, met: new Map<number, Set<number>>() }
    runs.set(run, state)
    state.seen += keys.length
    keys.forEach((key, i) => {
      const met = state.met.get(key)
      if (met === undefined) state.met.set(key, new Set([exact[i]!]))
      else met.add(exact[i]!)
    })
  })
  .on(Agreeing, ({ run }, ctx) => {
    const state = ctx.state.runs.get(run)
    ctx.state.runs.delete(run)
    if (state === undefined) return { seen: 0, groups: [] }
    const groups: number[][] = []
    for (const met of state.met.values()) if (met.size > 1) groups.push([...met])
    return { seen: state.seen, groups }
  })
