// Promised: handlers ask a model for text and objects, plain and streamed, with agents as tools; a question settles once,
// within its time, and no later than it is cancelled.
import { agentId, type Context, request } from 'ringreeve'
import { languageModel, tool } from 'ringreeve/llm'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { type Engine, failure, onEveryEngine, open, shared } from '../conformance/engines.js'
import { ChatServer } from './chat-server.js'
import * as kit from './thinkers.js'

const module = new URL('./thinkers.js', import.meta.url)
const thinkers = (engine: Engine) => shared(engine, { agents: [module] })

onEveryEngine('asking a model', engine => {
  it('gives text, whole or in pieces', async () => {
    await using server = await ChatServer.start(({ messages }) => ({ text: `You said: ${messages.at(-1)?.content}` }))
    const runtime = await thinkers(engine)
    const plain = await runtime.send(kit.Think, { url: server.url, prompt: 'hello' }, 'thinker/x')
    expect(plain).toEqual({ text: 'You said: hello', pieces: [] })
    const streamed = await runtime.send(kit.Think, { url: server.url, prompt: 'you', stream: true }, 'thinker/x')
    expect(streamed).toEqual({ text: 'You said: you', pieces: ['You s', 'aid: ', 'you'] })
    expect(server.asked[0]).toMatchObject({
      model: 'm',
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'hello' },
      ],
    })
  })

  it('gives an object that fits its schema, and lets the model mend one that does not', async () => {
    const says = ['{"mood":"good"}', '```json\n{"mood":"good","score":7}\n```', 'no idea', '{}']
    await using server = await ChatServer.start((_, n) => ({ text: says[n - 1] as string }))
    const runtime = await thinkers(engine)
    const judged = await runtime.send(kit.Judge, { url: server.url, prompt: 'how?' }, 'thinker/x')
    expect(judged).toEqual({ mood: 'good', score: 7 })
    expect(server.asked[0]?.response_format).toMatchObject({
      type: 'json_schema',
      json_schema: { schema: { type: 'object', required: ['mood', 'score'] } },
    })
    expect(server.asked[1]?.messages.at(-1)?.content).toContain('score: ')
    const error = await failure(runtime.send(kit.Judge, { url: server.url, prompt: 'how?' }, 'thinker/x'))
    expect(error.code).toBe('ERR_RINGREEVE_VALIDATION')
    expect(server.asked).toHaveLength(4)
  })

  it.each([false, true])('has agents asked as tools; what they fail with is told (streamed: %s)', async stream => {
    await using server = await ChatServer.start(({ messages }, n) => {
      if (n === 1) {
        const calls = [
          { name: 'sum_of', arguments: '{"a":1,"b":2}' },
          { name: 'sum_of', arguments: '{"a":-1,"b":2}' },
          { name: 'sum_of', arguments: '{"a":"one"}' },
          { name: 'sum_of', arguments: '{' },
          { name: 'other', arguments: '{}' },
        ]
        return { calls }
      }
      return {
        text: messages
          .filter(({ role }) => role === 'tool')
          .map(({ content }) => content)
          .join(' | '),
      }
    })
    const runtime = await thinkers(engine)
    const said = await runtime.send(kit.Compute, { url: server.url, prompt: 'add', stream }, 'thinker/x')
    const [three, negative, wrong, cut, unknown] = said.split(' | ')
    expect(three).toBe('3')
    expect(negative).toBe('error: only what is above zero')
    expect(wrong).toContain('is not valid')
    expect(cut).toContain('error: the arguments are not JSON')
    expect(unknown).toBe("error: there is no tool 'other'")
    expect(server.asked[0]?.tools?.[0]?.function).toMatchObject({
      name: 'sum_of',
      parameters: { required: ['a', 'b'] },
    })
  })

  it('a tool that was cancelled or stopped on its own account is told like any other failure', async () => {
    await using server = await ChatServer.start(({ messages }, n) => {
      const call = (how: string) => ({ name: 'give-up', arguments: JSON.stringify({ how }) })
      return n === 1
        ? { calls: [call('cancelled'), call('stopped')] }
        : { text: messages.map(({ role, content }) => (role === 'tool' ? `${content}; ` : '')).join('') }
    })
    const runtime = await open(engine, { agents: [module] }) // what nobody waits for any more goes on
    const said = await runtime.send(kit.Compute, { url: server.url, prompt: 'go' }, 'thinker/x')
    expect(said).toMatch(/^error: .*cancelled.*; error: the shop is closed; $/)
    await runtime.close({ drain: false, timeout: 50 })
  })

  it('tries again when the service fails, and gives up when it goes on failing', async () => {
    await using server = await ChatServer.start((_, n) =>
      n <= 2 ? { status: n === 1 ? 429 : 503 } : n === 3 ? { text: 'at last' } : { status: 500 },
    )
    const runtime = await thinkers(engine)
    expect((await runtime.send(kit.Think, { url: server.url, prompt: 'go' }, 'thinker/x')).text).toBe('at last')
    const error = await failure(runtime.send(kit.Think, { url: server.url, prompt: 'go' }, 'thinker/x'))
    expect(error.message).toContain('status 500')
    expect(server.asked).toHaveLength(6)
  })

  it('ends at its time limit, and when its caller gives up, at the service too', async () => {
    await using server = await ChatServer.start(() => 'nothing')
    const runtime = await thinkers(engine)
    const late = await failure(runtime.send(kit.Think, { url: server.url, prompt: 'go', timeout: 30 }, 'thinker/x'))
    expect(late.code).toBe('ERR_RINGREEVE_TIMEOUT')
    const controller = new AbortController()
    const sent = failure(
      runtime.send(kit.Think, { url: server.url, prompt: 'second' }, 'thinker/x', { signal: controller.signal }),
    )
    await server.until(({ asked }) => asked.some(({ messages }) => messages.at(-1)?.content === 'second'))
    controller.abort()
    expect((await sent).code).toBe('ERR_RINGREEVE_CANCELLED')
    await server.until(({ abandoned }) => abandoned.includes('second'))
    await runtime.idle()
  })

  it('ends with the tool that nobody waits for any more', async () => {
    await using server = await ChatServer.start(() => ({ calls: [{ name: 'never', arguments: '{}' }] }))
    const runtime = await open(engine, { agents: [module] })
    const controller = new AbortController()
    const sent = failure(
      runtime.send(kit.Compute, { url: server.url, prompt: 'wait' }, 'thinker/x', { signal: controller.signal }),
    )
    await server.until(({ asked }) => asked.length === 1)
    controller.abort()
    expect((await sent).code).toBe('ERR_RINGREEVE_CANCELLED')
    await runtime.close({ drain: false, timeout: 50 })
  })

  it('a stream that breaks off, and tools without an end, are errors', async () => {
    await using server = await ChatServer.start((_, n) =>
      n === 1 ? { broken: 'half a sent' } : { calls: [{ name: 'sum_of', arguments: '{"a":1,"b":1}' }] },
    )
    const runtime = await thinkers(engine)
    const broken = await failure(runtime.send(kit.Think, { url: server.url, prompt: 'go', stream: true }, 'thinker/x'))
    expect([broken.code, broken.message]).toEqual(['ERR_RINGREEVE_MODEL', "the stream of model 'm' broke off"])
    const endless = await failure(
      runtime.send(kit.Compute, { url: server.url, prompt: 'go', maxSteps: 3 }, 'thinker/x'),
    )
    expect(endless.message).toContain('called tools more than 3 times')
    expect(server.asked).toHaveLength(5)
  })
})

it('bad arguments are refused', () => {
  const client = { chat: { completions: { create: async () => ({}) } } }
  expect(() => languageModel({ client: {} as never, model: 'm' })).toThrow('new OpenAI')
  expect(() => languageModel({ client, model: '' })).toThrow("the service's name")
  expect(() => languageModel({ client, model: 'm', retries: -1 })).toThrow('retries must be a whole number')
  for (const tools of [[request('plain')], [undefined], 'none', {}] as never[])
    expect(() => languageModel({ client, model: 'm', tools })).toThrow('languageModel: tools')
  const twice = ['adder/a', 'adder/b'].map(to => tool(kit.Add, { to, description: 'Adds.' }))
  expect(() => languageModel({ client, model: 'm', tools: twice })).toThrow("two tools are called 'sum_of'")
  expect(() => tool(request('plain'), { to: 'a/b', description: '' })).toThrow('no JSON Schema')
  expect(() => tool(kit.Add, { to: 'a/b', description: '', name: 'no good' })).toThrow('no name for a tool')
})

const says = (content: string) => ({
  chat: { completions: { create: async () => ({ choices: [{ message: { content } }] }) } },
})
const ctx = { id: agentId('thinker'), signal: new AbortController().signal } as Context

it('a question that asks nothing is refused', async () => {
  const model = languageModel({ client: says('{}'), model: 'm' })
  for (const prompt of [undefined, null, 5, [], { role: 'user' }] as never[]) {
    for (const asked of [() => model.text(ctx, { prompt }), () => model.object(ctx, { prompt, schema: z.object({}) })])
      expect((await failure(asked())).code).toBe('ERR_RINGREEVE_INVALID_ARGUMENT')
  }
})

it('a stream whose calls are not numbered has them all', async () => {
  const part = (id: string | undefined, name: string | undefined, args: string) => ({
    ...(id === undefined ? {} : { id }),
    function: { ...(name === undefined ? {} : { name }), arguments: args },
  })
  const streams = [
    [[part('1', 'add', '{"a":'), part(undefined, undefined, '1}'), part('2', 'add', '{"a":2}')]],
    [[part('1', 'add', '{"a":')], [part('1', undefined, '1}')], [part('2', 'add', '{"a":2}')]],
    [[part(undefined, 'add', '{"a":')], [part(undefined, undefined, '1}'), part(undefined, 'add', '{"a":2}')]],
  ]
  for (const pieces of streams) {
    const asked: { messages: readonly { role: string; content: string }[] }[] = []
    const create = async (body: (typeof asked)[number]) => {
      const chunks =
        asked.push(body) === 1
          ? pieces.map(tool_calls => ({ choices: [{ delta: { tool_calls } }] }))
          : [{ choices: [{ delta: { content: 'done' } }] }]
      return (async function* () {
        yield* chunks
        yield { choices: [{ delta: {}, finish_reason: 'stop' }] }
      })()
    }
    const client = { chat: { completions: { create: create as never } } }
    const add = request<{ a: number }, number>('add')
    const tools = [tool(add, { to: 'adder/x', description: 'Adds one.', parameters: { type: 'object' } })]
    const send = (async (_: unknown, { a }: { a: number }) => a + 1) as never
    const model = languageModel({ client, model: 'm', tools })
    expect(await model.text({ ...ctx, send }, { prompt: 'x', onText: () => {} })).toBe('done')
    const told = asked[1]?.messages.filter(({ role }) => role === 'tool')
    expect(told?.map(({ content }) => content)).toEqual(['2', '3'])
  }
})

it('a question that cannot be asked leaves no timer behind', async () => {
  const timers = () => process.getActiveResourcesInfo().filter(kind => kind === 'Timeout').length
  const before = timers()
  const model = languageModel({ client: says('{}'), model: 'm' })
  await failure(model.object(ctx, { prompt: 'x', schema: {} as never }))
  await failure(model.object(ctx, { prompt: 'x', schema: z.object({ at: z.date() }) }))
  expect(timers()).toBe(before)
})

it('an answer that goes on and on with spaces is read in no time', async () => {
  const schema = z.object({ a: z.number() })
  const ask = (content: string) =>
    languageModel({ client: says(content), model: 'm', retries: 0 }).object(ctx, { prompt: 'x', schema })
  // looked at again from each space that takes over a minute, and the test is out of time
  expect((await failure(ask(`{"a":1}${' '.repeat(300_000)}x`))).code).toBe('ERR_RINGREEVE_VALIDATION')
  for (const text of ['{"a":1}', '\n```json\n{"a":1}\n```\n', '```{"a":1}```', ' ``` \n {"a":1} '])
    expect(await ask(text)).toEqual({ a: 1 })
})
