// Text analysis: each text is analysed and summarised at the same time by agents that compute (TextRank, readability),
// the two results are combined and printed, and the event after the last one ends it all. The texts are the READMEs of
// the packages in node_modules. First on one loop, then on threads; then how one text went its way, from the trace.
//
// With `--model` a language model reads instead, and a local stand-in plays the model. One command for a real one:
//   OPENAI_API_KEY=… MODEL=gpt-4.1-mini npm run example -- text-analysis --model
// (and OPENAI_BASE_URL=… for another service that speaks the protocol).
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { agent, createRuntime } from 'ringreeve'
import { createDispatcher, dispatched, follow, Terminate } from 'ringreeve/dispatch'
import { Tracer, treeText } from 'ringreeve/trace'
import { Analysed, Combined, type Report, Summarised, TextArrived } from './events.js'
import { standIn } from './stand-in.js'

async function texts(most: number): Promise<{ name: string; text: string }[]> {
  const found: { name: string; text: string }[] = []
  for (const name of await readdir('node_modules')) {
    const text = await readFile(join('node_modules', name, 'README.md'), 'utf8').catch(() => '')
    if (text.length > 2_000 && text.length < 100_000) found.push({ name, text })
  }
  return found.sort((a, b) => b.text.length - a.text.length).slice(0, most)
}

/** Lives on this thread: it has something to print. Ends the dispatcher when every text has been reported. */
function reporter(expected: number, report: (one: Report) => void) {
  return agent('reporter', { state: () => ({ reported: 0 }) }).on(dispatched(Combined), ({ payload }, ctx) => {
    report(payload)
    return ++ctx.state.reported === expected ? follow(Terminate) : undefined
  })
}

async function analyse(
  agents: string,
  threads: number,
  all: readonly { name: string; text: string }[],
  tracer: Tracer,
) {
  const reports: Report[] = []
  await using runtime = await createRuntime({
    threads,
    agents: [reporter(all.length, one => reports.push(one)), new URL(agents, import.meta.url)],
    log: tracer.log,
  })
  const dispatcher = await createDispatcher(runtime, { batchSize: 32 })
  // a key per text, so that texts spread over the threads; the two agents of one text may be on different ones
  dispatcher.route(TextArrived, ({ correlationId }) => `analyzer/${correlationId}`)
  dispatcher.route(TextArrived, ({ correlationId }) => `summarizer/summary of ${correlationId}`)
  dispatcher.route(Analysed, 'combiner/all')
  dispatcher.route(Summarised, 'combiner/all')
  dispatcher.route(Combined, 'reporter/me')

  const began = performance.now()
  for (const { name, text } of all) await dispatcher.dispatch(TextArrived, { text }, { correlationId: name })
  const { undone } = await dispatcher.ended
  if (undone.length > 0) throw new Error(`${undone.length} events were not handled`)
  await runtime.idle()
  return { reports, ms: performance.now() - began }
}

function show(reports: readonly Report[], most: number): void {
  for (const { name, analysis, summary } of reports.toSorted((a, b) => a.name.localeCompare(b.name)).slice(0, most)) {
    const about = analysis?.keywords.join(', ')
    console.log(`${name}: ${analysis?.words} words, reading ease ${analysis?.ease.toFixed(0)}, about ${about}`)
    for (const sentence of summary) console.log(`  “${sentence.length > 100 ? `${sentence.slice(0, 99)}…` : sentence}”`)
  }
  if (reports.length > most) console.log(`… and ${reports.length - most} more`)
}

async function compute(): Promise<void> {
  const all = await texts(40)
  const single = await analyse('./agents.js', 0, all, new Tracer())
  const tracer = new Tracer()
  const threaded = await analyse('./agents.js', 2, all, tracer)
  show(threaded.reports, 4)
  console.log(`one loop ${single.ms.toFixed(0)} ms, two threads ${threaded.ms.toFixed(0)} ms`)
  const [way] = tracer.trees(all[0]?.name)
  console.log(`How ${all[0]?.name} went its way:\n${way === undefined ? 'nobody knows' : treeText(way)}`)
}

async function ask(): Promise<void> {
  const { env } = process
  const local = env.OPENAI_API_KEY === undefined && env.OPENAI_BASE_URL === undefined ? await standIn() : undefined
  // threads get the environment as it is when they start
  if (local !== undefined) Object.assign(env, { OPENAI_BASE_URL: local.url, OPENAI_API_KEY: 'none' })
  try {
    const { reports, ms } = await analyse('./model-agents.js', 2, await texts(4), new Tracer())
    show(reports, 4)
    console.log(
      `${reports.length} texts in ${ms.toFixed(0)} ms, read by ${local === undefined ? 'a model' : 'a stand-in'}`,
    )
  } finally {
    local?.close()
  }
}

await (process.argv.includes('--model') ? ask() : compute())
