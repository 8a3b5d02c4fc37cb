// Agents on a thread that does not come by for as long as a test likes, and those that deal with them from another.
import { agent, request } from 'ringreeve'

export const Ping = request<void, string>('ping')
export const End = request<void, void>('end')
export const Never = request<void, void>('never')
/** Calls the agent `over` before and after, and says what became of that. */
export const Spin = request<{ begun: Int32Array; release: Int32Array; over: string }, unknown[]>('spin')
export const Tell = request<{ to: string; numbers: readonly number[] }, void>('tell')
export const Take = request<number, void>('take')
export const Taken = request<void, number[]>('taken')
export const GiveUp = request<{ to: string }, void>('give-up')
export const Relay = request<{ by: string; to: string }, boolean>('relay')
export const Unwanted = request<void, boolean>('unwanted')

const outcome = (sent: Promise<unknown>) => sent.catch(({ code, maybeExecuted }) => ({ code, maybeExecuted }))

export const busy = agent('busy', { concurrency: 'interleaved', state: () => [] as number[] })
  .on(Spin, async ({ begun, release, over }, ctx) => {
    const before = outcome(ctx.send(Never, undefined, over))
    await new Promise(resolve => setTimeout(resolve, 20))
    Atomics.add(begun, 0, 1)
    while (Atomics.load(release, 0) === 0);
    const after = outcome(ctx.send(Ping, undefined, over))
    return Promise.all([before, after])
  })
  .on(Take, (n, ctx) => {
    ctx.state.push(n)
  })
  .on(Taken, (_, ctx) => ctx.state)
  .on(Never, (_, ctx) => new Promise(resolve => ctx.signal.addEventListener('abort', () => resolve())))
  .on(Unwanted, (_, ctx) => ctx.cancelled)

export const mortal = agent('mortal', { concurrency: 'interleaved' })
  .on(Ping, () => 'pong')
  .on(End, () => process.exit(7))
  .on(Never, () => new Promise(() => {}))
  .on(Tell, ({ to, numbers }, ctx) => {
    for (const n of numbers) ctx.send(Take, n, to).catch(() => {})
  })
  .on(GiveUp, async ({ to }, ctx) => {
    const controller = new AbortController()
    const sent = ctx.send(Never, undefined, to, { signal: controller.signal })
    await Promise.resolve()
    controller.abort()
    await sent.catch(() => {})
  })
  .on(Relay, (how, ctx) => ctx.send(Relay, how, how.by, { signal: new AbortController().signal }))
