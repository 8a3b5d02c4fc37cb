// Promised: the tracer tells what happened on every thread, follows a conversation as a tree, and is bounded.
import { createRuntime, type LogEntry, type Runtime } from 'ringreeve'
import { createDispatcher } from 'ringreeve/dispatch'
import { type TraceEntry, type TraceNode, Tracer, treeText } from 'ringreeve/trace'
import { expect, it } from 'vitest'
import { Brittle } from '../failure/poison.js'
import { type Engine, failure, flag, onEveryEngine, open, reaches, sleep } from './engines.js'
import * as kit from './kit.js'
import * as patterns from './patterns.js'

const openPatterns = (engine: Engine, tracer: Tracer): Promise<Runtime> =>
  createRuntime({ threads: engine.threads, agents: [new URL('./patterns.js', import.meta.url)], log: tracer.log })

interface Shape {
  message: string
  agents: string[]
  outcomes: string[]
  next: Shape[]
}
const shapeOf = ({ message, deliveries, children }: TraceNode): Shape => ({
  message,
  agents: deliveries.map(({ agent }) => agent).sort(),
  outcomes: deliveries.map(({ outcome }) => outcome),
  next: children.map(shapeOf),
})

onEveryEngine('tracing', engine => {
  it('follows a conversation across threads as a tree', async () => {
    const tracer = new Tracer()
    await using runtime = await open(engine, { log: tracer.log })
    await runtime.send(kit.Ask, { path: ['interleaved/b', 'interleaved/c'] }, 'interleaved/a', {
      messageId: 'question',
    })
    await runtime.publish(kit.Note, 'apart', { topic: 'news/x' })
    await runtime.idle()
    const [root, ...more] = tracer.trees('question')
    expect(more).toEqual([])
    const ask = (to: string, next: Shape[]): Shape => ({ message: 'ask', agents: [to], outcomes: ['handled'], next })
    expect(shapeOf(root as TraceNode)).toEqual(ask('interleaved/a', [ask('interleaved/b', [ask('interleaved/c', [])])]))
    const inner = root?.children[0]?.children[0]?.id as string
    expect(tracer.trees(inner)).toEqual([root])
    expect(
      tracer
        .trees()
        .map(({ message }) => message)
        .sort(),
    ).toEqual(['ask', 'note'])
    expect(treeText(root as TraceNode).split('\n')[2]).toMatch(
      /^ {4}ask from interleaved\/b → interleaved\/c on loop \d: handled \d+ ms$/,
    )
  })

  it("keeps a dispatcher's correlation id, and which event led to which", async () => {
    const tracer = new Tracer()
    await using runtime = await openPatterns(engine, tracer)
    await using dispatcher = await createDispatcher(runtime)
    dispatcher.route(patterns.Text, 'words/x')
    dispatcher.route(patterns.Text, 'letters/x')
    for (const type of [patterns.Words, patterns.Letters] as const) dispatcher.route(type as never, 'gatherer/x')
    dispatcher.route(patterns.Both, 'witness/x')
    await dispatcher.dispatch(patterns.Text, { text: 'to be' }, { correlationId: 'hamlet' })
    await dispatcher.dispatch(patterns.Text, { text: 'once more' }, { correlationId: 'henry' })
    await dispatcher.waitUntilEmpty()
    await runtime.idle()
    const [root, ...more] = tracer.trees('hamlet')
    expect(more).toEqual([])
    const { agents, next } = shapeOf(root as TraceNode)
    expect(agents).toEqual(['letters/x', 'words/x'])
    expect(next.map(({ message }) => message).sort()).toEqual([
      'ringreeve.dispatched:letters',
      'ringreeve.dispatched:words',
    ])
    expect(next.flatMap(one => one.next).map(({ agents }) => agents)).toEqual([['witness/x']])
    const hamlet = tracer.entries({ correlation: 'hamlet' })
    expect(hamlet.length).toBe(tracer.entries({ correlation: 'henry' }).length)
    if (engine.threads > 0) expect(new Set(hamlet.map(({ loop }) => loop)).size).toBeGreaterThan(1)
  })

  it('filters, by everything at once', async () => {
    const seen: LogEntry[] = []
    const tracer = new Tracer({ onEntry: entry => seen.push(entry) })
    await using runtime = await open(engine, { log: tracer.log })
    await runtime.send(kit.Echo, 1, 'echo/x')
    await runtime.send(kit.Echo, 2, 'echo/y')
    await failure(runtime.send(kit.Fail, { kind: 'type' }, 'thrower/x'))
    await runtime.publish(kit.Note, 1, { topic: 'news/x' })
    await runtime.publish(kit.FailEvent, 'x', { topic: 'news/x' })
    await runtime.idle()
    const events = (entries: TraceEntry[]) => entries.map(({ event }) => event)
    expect(events(tracer.entries({ message: 'echo', agent: 'echo/x' })).sort()).toEqual(['process', 'respond', 'send'])
    expect(tracer.entries({ agent: 'echo', event: 'respond' })).toHaveLength(2)
    expect(tracer.entries({ event: ['error', 'drop'] }).map(({ reason }) => reason)).toEqual(
      expect.arrayContaining(['TypeError: not that type', 'no handler']),
    )
    expect(events(tracer.entries({ message: 'note' })).sort()).toEqual(['handled', 'process', 'publish'])
    expect(tracer.entries({ where: ({ reason }) => reason === 'no handler' })).toHaveLength(1)
    expect(tracer.entries({ event: 'process', last: 2 })).toEqual(tracer.entries({ event: 'process' }).slice(-2))
    expect(tracer.entries({ last: 0 })).toEqual([])
    const times = seen.map(({ time }) => time)
    expect(tracer.entries({ since: Math.min(...times), until: Math.max(...times) })).toHaveLength(seen.length)
    expect(tracer.entries({ until: Math.min(...times) - 1 })).toEqual([])
    const lines = tracer
      .toJSONLines({ message: 'note' })
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line) as TraceEntry)
    expect(events(lines).sort()).toEqual(['handled', 'process', 'publish'])
  })

  it('shows what became of a dead letter, and what was slow', async () => {
    const tracer = new Tracer()
    const urls = ['./patterns.js', '../failure/poison.js'].map(url => new URL(url, import.meta.url))
    await using runtime = await createRuntime({
      threads: engine.threads,
      agents: urls,
      deadLetters: { unheardEvents: true },
      log: tracer.log,
    })
    const release = flag()
    const crawling = runtime.send(patterns.Crawl, release, 'snail/x', { messageId: 'crawl' })
    while (tracer.entries({ event: 'slow' }).length === 0) await sleep(1)
    Atomics.store(release, 0, 1)
    await crawling
    await runtime.publish(kit.Note, 1, { topic: 'nobody/x', messageId: 'note' })
    await runtime.idle()
    const text = (id: string) => tracer.trees(id).map(treeText).join('\n')
    expect(text('crawl')).toMatch(/^crawl from the application → snail\/x on loop \d: handled \d+ ms, slow$/)
    expect(text('note')).toMatch(
      /^note from the application → nobody\/x on loop 0: dead \(no subscriber: nobody hears nobody\/x\)$/,
    )
    if (engine.threads === 0) return // there is no thread to end
    const options = { idempotent: true, messageId: 'poison' }
    await failure(runtime.send(Brittle, { runs: flag(), failures: 9 }, 'brittle/x', options))
    await runtime.idle()
    expect(text('poison')).toMatch(/^brittle from the application → brittle\/x on loop \d: dead .*\(poison: .*/)
    expect(tracer.entries({ event: 'crash' })).toHaveLength(2)
  })

  it('what is left out because the calling loop is behind is counted', async () => {
    const entries: LogEntry[] = []
    const agents = [new URL('./patterns.js', import.meta.url)]
    await using runtime = await createRuntime({ threads: engine.threads, agents, log: entry => entries.push(entry) })
    const [times, begun, done] = [20_000, flag(), flag()]
    const chat = runtime.send(patterns.Chat, { times, begun, done }, 'chatter/x')
    await reaches(begun, 1)
    if (engine.threads > 0) Atomics.wait(done, 0, 0, 60_000) // the calling loop does nothing until all is said
    await chat
    await runtime.idle()
    const told = /^(\d+) entries .* left out/
    const leftOut = entries.reduce((sum, { reason = '' }) => sum + Number(told.exec(reason)?.[1] ?? 0), 0)
    const ofMessages = entries.filter(({ messageId }) => messageId !== undefined)
    expect(leftOut + ofMessages.length).toBe(3 * times + 3)
    if (engine.threads > 0) expect(leftOut).toBeGreaterThan(0)
  })

  it('is bounded, can be switched off, and forgets', async () => {
    const tracer = new Tracer({ capacity: 10 })
    await using runtime = await open(engine, { log: tracer.log })
    for (let n = 0; n < 50; n++) await runtime.send(kit.Echo, n, 'echo/x', { messageId: `m${n}` })
    await runtime.idle()
    expect(tracer.size).toBe(10)
    expect(tracer.entries().at(-1)?.messageId).toBe('m49')
    tracer.enabled = false
    await runtime.send(kit.Echo, 50, 'echo/x')
    await runtime.idle()
    expect(tracer.entries().at(-1)?.messageId).toBe('m49')
    tracer.clear()
    expect([tracer.size, tracer.entries(), tracer.trees('m49')]).toEqual([0, [], []])
  })
})

it('messages that name each other as causes make no endless tree', () => {
  const tracer = new Tracer()
  const entry = (messageId: string, cause: string): LogEntry => ({
    event: 'send',
    loop: 0,
    time: 0,
    message: 'm',
    messageId,
    cause,
  })
  for (const [id, cause] of [
    ['a', 'b'],
    ['b', 'c'],
    ['c', 'a'],
    ['d', 'd'],
  ] as const)
    tracer.log(entry(id, cause))
  const count = (nodes: readonly TraceNode[]): number => nodes.reduce((sum, node) => sum + 1 + count(node.children), 0)
  expect(count(tracer.trees())).toBe(4)
  expect(() => new Tracer({ capacity: 0 })).toThrow('whole number')
})
