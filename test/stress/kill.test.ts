// Mixed traffic while threads are ended at random, from a seed that is printed when it fails. At the end the books
// balance: every future settled once, order per pair kept, nothing left under way.
import fc from 'fast-check'
import { createRuntime, RingreeveError, type Runtime } from 'ringreeve'
import { expect, it } from 'vitest'
import { kit as kitUrl, sleep } from '../conformance/engines.js'
import * as kit from '../conformance/kit.js'

const tally = () => ({ answered: 0, lost: 0, other: [] as unknown[] })

async function count(book: ReturnType<typeof tally>, promise: Promise<unknown>): Promise<void> {
  try {
    await promise
    book.answered++
  } catch (error) {
    const expected = ['ERR_RINGREEVE_THREAD_LOST', 'ERR_RINGREEVE_CANCELLED']
    if (error instanceof RingreeveError && expected.includes(error.code)) book.lost++
    else if (error instanceof AggregateError && error.errors.every(one => expected.includes(one.code))) book.lost++
    else book.other.push(error)
  }
}

function traffic(runtime: Runtime, random: () => number, n: number): Promise<unknown> {
  const key = Math.floor(random() * 8)
  const size = random() < 0.1 ? 60_000 : Math.floor(random() * 400)
  switch (Math.floor(random() * 6)) {
    case 0:
      return runtime.send(kit.Echo, { n, text: 'x'.repeat(size) }, `echo/${key}`)
    case 1:
      return runtime.send(kit.Forward, { to: `echo/${key}`, payload: n }, `echo/${(key + 3) % 8}`)
    case 2:
      return runtime.publish(kit.Note, n, { topic: `news/${key}`, until: 'handled' })
    case 3:
      return runtime.publish(kit.Note, n, { topic: `news/${key}` })
    case 4:
      return runtime.send(kit.Slow, { ms: random() * 5, answer: n }, `echo/${key}`, {
        signal: AbortSignal.timeout(Math.ceil(random() * 6)),
      })
    default:
      return runtime.send(kit.Store, n, `recorder/pair-${key}`)
  }
}

it('the books balance while threads are killed', async () => {
  await fc.assert(
    fc.asyncProperty(fc.noBias(fc.integer()), async seed => {
      let state = seed | 0
      const random = () => {
        state = (Math.imul(state, 1664525) + 1013904223) | 0
        return (state >>> 0) / 2 ** 32
      }
      const runtime = await createRuntime({
        threads: 2,
        agents: [kitUrl],
        ringBytes: 65_536,
        restarts: { max: 1000, within: 1000 },
      })
      const book = tally()
      const open: Promise<void>[] = []
      for (let n = 0; n < 1_200; n++) {
        open.push(count(book, traffic(runtime, random, n)))
        if (n % 300 === 150) {
          const how = ['exit', 'throw', 'reject'][Math.floor(random() * 3)] as string
          open.push(count(book, runtime.send(kit.End, { how }, `mortal/${Math.floor(random() * 4)}`)))
        }
        if (n % 50 === 0) await sleep(random() * 4)
      }
      await Promise.all(open)
      expect(book.other).toEqual([])
      expect(book.answered + book.lost).toBe(open.length)
      expect(book.lost).toBeGreaterThan(0)
      await runtime.idle()
      for (let key = 0; key < 8; key++) {
        const notes = (await runtime.send(kit.Notes, undefined, `recorder/pair-${key}`)) as number[]
        expect(notes).toEqual([...notes].sort((a, b) => a - b))
        expect(new Set(notes).size).toBe(notes.length)
      }
      const { loops } = runtime.stats()
      expect(loops.map(loop => [loop.alive, loop.queued, loop.running])).toEqual(loops.map(() => [true, 0, 0]))
      await runtime.close()
    }),
    { numRuns: 2, endOnFailure: true },
  )
})
