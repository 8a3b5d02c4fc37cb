// Agents that owe the host answers, and fail once they have given them. Words: how many are asked, how many may answer, how many have,
// and whether it has failed.
import { agent, event, request } from 'ringreeve'

export const Owe = request<Int32Array, string>('owe')
export const Watch = request<Int32Array, void>('watch')
export const Miss = event<Int32Array>('miss')

const reaches = async (words: Int32Array, at: number, value: number) => {
  while (Atomics.load(words, at) < value) await new Promise<void>(resolve => setTimeout(resolve, 1))
}
const paid = async (words: Int32Array) => {
  await reaches(words, 1, 1)
  await reaches(words, 2, Atomics.load(words, 0))
  Atomics.store(words, 3, 1)
}

const long = 'x'.repeat(500)
let due: Promise<void> | undefined // one wait for all of them
export const debtor = agent('debtor', { concurrency: 'interleaved', mailbox: { capacity: 100_000 } }).on(
  Owe,
  async words => {
    due ??= reaches(words, 1, 1)
    Atomics.add(words, 0, 1)
    await due
    Atomics.add(words, 2, 1)
    return long
  },
)

export const guard = agent('guard', { state: () => ({ words: undefined as Int32Array | undefined }) })
  .on(Watch, (words, ctx) => {
    ctx.state.words = words
  })
  .loop(
    async ctx => {
      while (ctx.state.words === undefined) await ctx.sleep(1)
      await paid(ctx.state.words)
      throw new Error('the guard fell asleep')
    },
    { onError: 'stop-runtime' },
  )
export const misser = agent('misser', { subscriptions: ['miss'] }).on(Miss, async words => {
  await paid(words)
  throw new Error('missed')
})
