// Asking a model from a handler. What it keeps: one question settles exactly once, within its time limit and no later
// than its turn is cancelled; an object that does not fit its schema is never handed out.

import type { StandardSchemaV1 } from '@standard-schema/spec'
import { checkFunction, checkKnown, shown } from '../agent/check.js'
import type { Context } from '../agent/context.js'
import { Late } from '../agent/edge.js'
import { InvalidArgumentError, RingreeveError, TimeoutError, ValidationError } from '../agent/errors.js'
import { validate } from '../agent/schema.js'
import { clearTimeout, setTimeout, steadyNow } from '../base/real-time.js'
import { type ChatBody, type ChatClient, type ChatMessage, chat, type Reply, streamedChat } from './chat.js'
import { callTool, checkTools, jsonSchemaOf, type Tool } from './tool.js'

/**
 * Options of {@link languageModel}.
 * @example
 * import OpenAI from 'openai'
 * const options: ModelOptions = { client: new OpenAI(), model: 'gpt-4.1-mini', behaviour: 'Be brief.', timeout: 10_000 }
 * const model = languageModel(options)
 */
export interface ModelOptions {
  /** E.g. `new OpenAI({ apiKey, baseURL })` of the `openai` package, made in the module of the agents that use it. */
  readonly client: ChatClient
  /** The service's name of the model. */
  readonly model: string
  /** What the model is told first, in every question. */
  readonly behaviour?: string
  /** Further tries when the service fails (the client waits between them), and when an object does not fit. Default 2. */
  readonly retries?: number
  /** Milliseconds for a question, with its retries and tools. Then TimeoutError. Default 60,000. */
  readonly timeout?: number
  /** Agents that the model may have asked, each by a name of its own. */
  readonly tools?: readonly Tool[]
  /** How often the model may call tools within one question. Default 8. */
  readonly maxSteps?: number
}

/**
 * One question.
 * @example
 * const question: Question = { prompt: 'Tell a story.', onText: piece => process.stdout.write(piece) }
 * const tell = (model: LanguageModel, ctx: Context) => model.text(ctx, question)
 */
export interface Question {
  /** What is asked. Or the whole conversation so far, its last message being what is asked. */
  readonly prompt: string | readonly ChatMessage[]
  /** Told the text piece by piece as it comes; the reply is then streamed. Tool calls come between. */
  readonly onText?: (piece: string) => void
}

/**
 * A question whose answer is an object.
 * @example
 * import { z } from 'zod'
 * const Mood = z.object({ mood: z.enum(['merry', 'sad']) })
 * const moodOf = (text: string): ObjectQuestion<typeof Mood> => ({ prompt: `What mood has this? ${text}`, schema: Mood })
 */
export interface ObjectQuestion<S extends StandardSchemaV1> extends Question {
  /** What the object must be; any Standard Schema library. Its JSON Schema is told to the model if the library has it. */
  readonly schema: S
}

/**
 * A model that handlers can ask. Made by {@link languageModel}.
 * @example
 * const summarise = (model: LanguageModel, ctx: Context, text: string) =>
 *   model.text(ctx, { prompt: `Summarise in one sentence: ${text}` })
 */
export interface LanguageModel {
  /**
   * Asks for text.
   * @param ctx the handler's: tools are asked in its name, and its `signal` ends the question
   * @throws TimeoutError; what the client throws when it has tried often enough; RingreeveError `ERR_RINGREEVE_MODEL`;
   *   InvalidArgumentError when nothing is asked
   * @example
   * const translate = (model: LanguageModel, ctx: Context, text: string) =>
   *   model.text(ctx, { prompt: `Into French: ${text}`, onText: piece => process.stdout.write(piece) })
   */
  text(ctx: Context, question: Question): Promise<string>
  /**
   * Asks for an object. One that does not fit is given back to the model with what is wrong, as often as `retries` says.
   * @throws ValidationError when it still does not fit; and like {@link text}
   * @example
   * import { z } from 'zod'
   * const moodOf = async (model: LanguageModel, ctx: Context, text: string) => {
   *   const { mood } = await model.object(ctx, { prompt: `Mood of: ${text}`, schema: z.object({ mood: z.string() }) })
   *   return mood
   * }
   */
  object<S extends StandardSchemaV1>(
    ctx: Context,
    question: ObjectQuestion<S>,
  ): Promise<StandardSchemaV1.InferOutput<S>>
}

class Asking {
  readonly #options: Required<Pick<ModelOptions, 'retries' | 'timeout' | 'maxSteps' | 'tools'>> & ModelOptions
  readonly #ctx: Context
  readonly #question: Question
  readonly #messages: ChatMessage[]
  readonly #until: number
  readonly #signal: AbortSignal
  readonly #timer: NodeJS.Timeout
  #steps = 0

  constructor(options: ModelOptions, ctx: Context, question: Question) {
    this.#options = { retries: 2, timeout: 60_000, maxSteps: 8, tools: [], ...options }
    this.#ctx = ctx
    this.#question = question
    const { prompt } = question
    const asked: readonly ChatMessage[] = typeof prompt === 'string' ? [{ role: 'user', content: prompt }] : prompt
    const { behaviour, timeout, model } = this.#options
    this.#messages = behaviour === undefined ? [...asked] : [{ role: 'system', content: behaviour }, ...asked]
    this.#until = steadyNow() + timeout
    const late = new AbortController()
    const over = () =>
      late.abort(new TimeoutError(`model '${model}' took more than ${timeout} ms`, { agent: ctx.id.toString() }))
    this.#timer = setTimeout(over, timeout)
    this.#signal = AbortSignal.any([ctx.signal, late.signal])
  }

  /** The model's next words, after all the tools that it wants called. */
  async next(format: object | undefined): Promise<string> {
    while (true) {
      const { text, calls } = await this.#ask(format)
      if (calls.length === 0) {
        this.#messages.push({ role: 'assistant', content: text })
        return text
      }
      if (++this.#steps > this.#options.maxSteps) {
        const why = `model '${this.#options.model}' called tools more than ${this.#options.maxSteps} times`
        throw new RingreeveError('ERR_RINGREEVE_MODEL', why)
      }
      this.#messages.push({ role: 'assistant', content: text || null, tool_calls: calls })
      const { tools } = this.#options
      const answers = calls.map(async (call): Promise<ChatMessage> => {
        const content = await callTool(tools, call, this.#ctx, this.#signal)
        return { role: 'tool', tool_call_id: call.id, content }
      })
      this.#messages.push(...(await this.#inTime(Promise.all(answers))))
    }
  }

  /** Tells the model what was wrong with its words. */
  complain(problem: string): void {
    this.#messages.push({ role: 'user', content: `That does not fit: ${problem}. Answer again, with JSON only.` })
  }

  end(): void {
    clearTimeout(this.#timer)
  }

  async #ask(format: object | undefined): Promise<Reply> {
    const { client, model, tools, retries } = this.#options
    const body: ChatBody = {
      model,
      messages: this.#messages,
      ...(tools.length === 0 ? {} : { tools: tools.map(({ description }) => description) }),
      ...(format === undefined ? {} : { response_format: format }),
    }
    this.#signal.throwIfAborted()
    // the client's own time limit is for one try; this one is for all of them
    const timeout = Math.max(1, Math.ceil(this.#until - steadyNow()) + 1_000)
    const options = { signal: this.#signal, timeout, maxRetries: retries }
    const { onText } = this.#question
    return this.#inTime(onText ? streamedChat(client, body, options, onText) : chat(client, body, options))
  }

  /** Rejects as soon as the signal aborts, with its reason, whatever the client does: it may be asleep before a retry. */
  async #inTime<T>(work: Promise<T>): Promise<T> {
    const signal = this.#signal
    let giveUp: (() => void) | undefined
    const aborted = new Promise<never>((_, reject) => {
      giveUp = () => reject(signal.reason)
      signal.addEventListener('abort', giveUp, { once: true })
    })
    try {
      return await Promise.race([work, aborted])
    } catch (error) {
      signal.throwIfAborted()
      throw error
    } finally {
      signal.removeEventListener('abort', giveUp as () => void)
    }
  }
}

/**
 * A model that handlers can ask, through a client that the application chooses.
 * @throws InvalidArgumentError, also for two tools of one name
 * @example
 * import OpenAI from 'openai' // in a module of agents; `npm install openai`
 * import { z } from 'zod'
 * const Analysis = z.object({ mood: z.string(), words: z.number() })
 * const Analyse = request('analyse', { input: z.object({ text: z.string() }), output: Analysis })
 * const model = languageModel({ client: new OpenAI(), model: 'gpt-4.1-mini', behaviour: 'You are a text analyst.' })
 * export const analyst = agent('analyst', { concurrency: 'interleaved' }).on(Analyse, ({ text }, ctx) =>
 *   model.object(ctx, { prompt: `Analyse this text: ${text}`, schema: Analysis }),
 * )
 */
export function languageModel(options: ModelOptions): LanguageModel {
  check(options)
  return {
    async text(ctx, question) {
      checkQuestion('text()', question, { prompt: true, onText: true })
      const asking = new Asking(options, ctx, question)
      try {
        return await asking.next(undefined)
      } finally {
        asking.end()
      }
    },
    async object(ctx, question) {
      checkQuestion('object()', question, { prompt: true, onText: true, schema: true })
      const format = formatOf(question.schema) // before the time of the question runs: it may throw
      const asking = new Asking(options, ctx, question)
      try {
        for (let left = options.retries ?? 2; ; left--) {
          try {
            return (await read(await asking.next(format), question.schema, ctx)) as never
          } catch (error) {
            if (left <= 0 || !(error instanceof ValidationError)) throw error
            asking.complain(
              error.issues.map(({ path, message }) => (path ? `${path}: ${message}` : message)).join('; '),
            )
          }
        }
      } finally {
        asking.end()
      }
    },
  }
}

function checkQuestion(what: string, question: Question, known: Readonly<Record<string, true>>): void {
  checkKnown(what, question, known)
  const { prompt } = question
  if (typeof prompt !== 'string' && !(Array.isArray(prompt) && prompt.length > 0)) {
    throw new InvalidArgumentError(`${what}: prompt is a text or a list of messages, got ${shown(prompt)}`)
  }
  if (question.onText !== undefined) checkFunction(`${what}: onText`, question.onText)
}

/** @throws ValidationError, for text that is no JSON too */
async function read(text: string, schema: StandardSchemaV1, ctx: Context): Promise<unknown> {
  let value: unknown
  try {
    // some models wrap what they were asked for in a block of code
    value = JSON.parse(text.trim().replace(/^```(?:json)?|```$/g, '')) // in time: models can go on and on with spaces
  } catch (error) {
    const message = `not JSON: ${(error as Error).message}`
    throw new ValidationError(`the model's answer is ${message}`, [{ path: '', message }], { agent: ctx.id.toString() })
  }
  const checked = validate(schema, value, 'answer', ctx.id.toString(), 'of the model')
  return checked instanceof Late ? await checked.promise : checked
}

function formatOf(schema: StandardSchemaV1): object {
  if (typeof schema?.['~standard']?.validate !== 'function') {
    throw new InvalidArgumentError('object() takes a Standard Schema (zod, valibot, arktype, …) as `schema`')
  }
  const json = jsonSchemaOf(schema)
  return json === undefined
    ? { type: 'json_object' }
    : { type: 'json_schema', json_schema: { name: 'answer', schema: json } }
}

const modelOptions: Readonly<Record<keyof ModelOptions, true>> = {
  client: true,
  model: true,
  behaviour: true,
  retries: true,
  timeout: true,
  tools: true,
  maxSteps: true,
}

function check(options: ModelOptions): void {
  checkKnown('languageModel()', options, modelOptions)
  const { client, model, retries, timeout, maxSteps, tools } = options
  checkTools(tools)
  if (typeof client?.chat?.completions?.create !== 'function') {
    throw new InvalidArgumentError('languageModel: client must be like `new OpenAI(…)`, with chat.completions.create')
  }
  if (typeof model !== 'string' || model === '') {
    throw new InvalidArgumentError("languageModel: model is the service's name of a model")
  }
  for (const [option, value, least] of [
    ['retries', retries, 0],
    ['timeout', timeout, 1],
    ['maxSteps', maxSteps, 0],
  ] as const) {
    if (value !== undefined && !(Number.isInteger(value) && value >= least && value < 2 ** 31)) {
      throw new InvalidArgumentError(
        `languageModel: ${option} must be a whole number of at least ${least}, got ${value}`,
      )
    }
  }
}
