// Agents with deadlines that wait, compute, or stand at a breakpoint; as a program, it says how they fared while it was suspended.
import { agent, createRuntime, type LogEntry, request } from 'ringreeve'

export const Wait = request<number, string>('wait')
export const Compute = request<number, string>('compute')
export const Ask = request<number, string>('ask')
export const Stand = request<void, number>('stand')
export const Life = request<void, number>('life')

/** Computes for so long, not counting time in which it was kept from that. */
function compute(ms: number): string {
  let [before, done] = [performance.now(), 0]
  while (done < ms) {
    const now = performance.now()
    if (now - before < 5) done += now - before
    before = now
  }
  return 'computed'
}

let lives = 0
export const patient = agent('patient', { deadline: 1_000 })
  .on(Wait, async (ms, ctx) => {
    await ctx.sleep(ms)
    return 'waited'
  })
  .on(Compute, compute)
  .on(Stand, () => {
    let n = 0
    // biome-ignore lint/suspicious/noDebugger: what is tested
    debugger
    return ++n
  })
export const worker = agent('worker', { state: () => ++lives })
  .on(Compute, compute)
  .on(Life, (_, ctx) => ctx.state)
/** Asks it, on its own thread. */
export const boss = agent('boss', { deadline: 100 }).on(Ask, (ms, ctx) => ctx.send(Compute, ms, 'worker/x'))

/** Goes on when its caller has its error, and never ends. */
export const endless = agent('endless', { deadline: 100 }).on(Wait, async ms => {
  await new Promise(resolve => setTimeout(resolve, ms))
  for (;;);
})
/** Gives up as soon as it is told to, with what it has by then. */
export const half = agent('half', { deadline: 100 }).on(Wait, (_, ctx) => {
  while (!ctx.cancelled);
  return 'half of it'
})
export const starts = agent('starts')
  .onStart(() => void compute(300))
  .on(Compute, () => 'started')
export const loops = agent('loops')
  .loop(() => void compute(300))
  .on(Compute, () => 'looped')
export const state = agent('state', { state: () => compute(300) }).on(Compute, (_, ctx) => ctx.state)
export const when = agent('when').on(Compute, () => 'when', { when: () => compute(300) === 'computed' })
export const stops = agent('stops')
  .on(Compute, (_, ctx) => {
    ctx.stop()
    return 'stops'
  })
  .onStop(() => void compute(300))
/** Waits for less than its deadline. */
export const brief = agent('brief', { deadline: 100 })
  .on(Wait, async (ms, ctx) => {
    await ctx.sleep(ms)
    return 'waited'
  })
  .on(Compute, compute)

if (process.argv[2] === 'suspended') {
  const told: string[] = []
  const log = ({ event, reason }: LogEntry) => {
    if (event === 'slow' || event === 'crash') told.push(`${event}: ${reason}`)
  }
  const threads = Number(process.argv[3])
  const runtime = await createRuntime({
    threads,
    log,
    agents: threads > 0 ? [new URL(import.meta.url)] : [patient, worker],
  })
  await runtime.send(Life, undefined, 'worker/x')
  const text = (sent: Promise<string>) => sent.catch(error => `${error.name}: ${error.message}`)
  const outcomes = [text(runtime.send(Wait, 400, 'patient/a')), text(runtime.send(Wait, 450, 'patient/b'))]
  if (threads > 0) outcomes.push(text(runtime.send(Compute, 300, 'patient/c')))
  setTimeout(() => process.send?.('now'), 50)
  const all = await Promise.all(outcomes)
  process.send?.({ outcomes: all, told, life: await runtime.send(Life, undefined, 'worker/x') })
  await runtime.close()
  process.disconnect()
}
