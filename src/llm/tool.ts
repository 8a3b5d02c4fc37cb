// Tools that are agents: what a model wants called is sent to one as a request, and its answer goes back to the model.
import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec'
import { checkKnown, shown } from '../agent/check.js'
import type { Context } from '../agent/context.js'
import { InvalidArgumentError, textOf } from '../agent/errors.js'
import type { AgentId } from '../agent/ids.js'
import type { MessageType, RequestType } from '../agent/message.js'
import type { ToolCall, ToolDescription } from './chat.js'

/**
 * A request that a model may have sent to an agent. Made by {@link tool}.
 * @example
 * import OpenAI from 'openai'
 * const equipped = (...tools: Tool[]) => languageModel({ client: new OpenAI(), model: 'gpt-4.1-mini', tools })
 */
export interface Tool {
  /** The request. */
  readonly message: RequestType
  /** The agent that answers: `type/key`. */
  readonly to: AgentId | string
  /** What the model is told of it. */
  readonly description: ToolDescription
}

/**
 * Options of {@link tool}.
 * @example
 * const digest = tool(Digest, {
 *   to: 'hasher/x',
 *   description: 'Digests a text with so many rounds of SHA-256.',
 *   parameters: { type: 'object', properties: { text: { type: 'string' }, rounds: { type: 'integer' } } },
 * })
 */
export interface ToolOptions {
  /** For the model: what the tool does, and when to use it. */
  readonly description: string
  /** The agent that answers: `type/key`. */
  readonly to: AgentId | string
  /** Name for the model; letters, digits, `_` and `-`, at most 64. Default: that of the request, other characters as `_`. */
  readonly name?: string
  /** JSON Schema of the payload, an object. Default: that of the request's `input`, if its library can tell (zod 4 can). */
  readonly parameters?: object
}

const toolOptions: Readonly<Record<keyof ToolOptions, true>> = {
  description: true,
  to: true,
  name: true,
  parameters: true,
}

/**
 * Makes a tool of a request to an agent.
 * @throws InvalidArgumentError when there is no JSON Schema, or the name is not one
 * @example
 * import { z } from 'zod'
 * const CountWords = request('count-words', { input: z.object({ text: z.string() }), output: z.number() })
 * const wordCount = tool(CountWords, { to: 'counter/x', description: 'Counts the words of a text.' })
 */
export function tool(message: RequestType, options: ToolOptions): Tool {
  if (message?.kind !== 'request') throw new InvalidArgumentError('tool() takes what request() returned')
  checkKnown(`tool() of '${message.name}'`, options, toolOptions)
  const name = options.name ?? message.name.replace(/[^\w-]/g, '_')
  if (!/^[\w-]{1,64}$/.test(name)) {
    throw new InvalidArgumentError(`'${name}' is no name for a tool; it takes 1 to 64 letters, digits, "_" and "-"`)
  }
  const parameters = options.parameters ?? jsonSchemaOf(message.input)
  if (parameters === undefined) {
    throw new InvalidArgumentError(
      `tool '${name}': the input of request '${message.name}' has no JSON Schema; give it as \`parameters\``,
    )
  }
  const description: ToolDescription = {
    type: 'function',
    function: { name, description: options.description, parameters },
  }
  return { message, to: options.to, description }
}

/** @throws InvalidArgumentError for what is no list of tools that a model can tell apart */
export function checkTools(tools: readonly Tool[] | undefined): void {
  if (tools === undefined) return
  if (!Array.isArray(tools)) throw new InvalidArgumentError(`languageModel: tools must be a list, got ${shown(tools)}`)
  const names = new Set<string>()
  for (const one of tools) {
    const name: unknown = one?.description?.function?.name
    if (typeof name !== 'string' || one.message?.kind !== 'request') {
      throw new InvalidArgumentError(`languageModel: tools are what tool() returned, got ${shown(one)}`)
    }
    if (names.has(name)) {
      throw new InvalidArgumentError(
        `languageModel: two tools are called '${name}'; give one another \`name\` in tool()`,
      )
    }
    names.add(name)
  }
}

/** JSON Schema of a Standard Schema, if its library can tell. */
export function jsonSchemaOf(schema: StandardSchemaV1 | undefined): object | undefined {
  const standard = schema?.['~standard'] as Partial<StandardJSONSchemaV1.Props> | undefined
  return standard?.jsonSchema?.input({ target: 'draft-2020-12' })
}

/**
 * Has a tool called. What the agent fails with is told to the model, which may mend its call; that nobody waits any more
 * is not. Which of the two it is, only the asker's own signal says: a tool may fail with the same errors on its own account.
 */
export async function callTool(
  tools: readonly Tool[],
  call: ToolCall,
  ctx: Context,
  signal: AbortSignal,
): Promise<string> {
  const { name } = call.function
  const found = tools.find(({ description }) => description.function.name === name)
  if (found === undefined) return `error: there is no tool '${name}'`
  let payload: unknown
  try {
    payload = JSON.parse(call.function.arguments || '{}')
  } catch (error) {
    return `error: the arguments are not JSON: ${textOf(error)}`
  }
  try {
    const answer = await ctx.send(found.message as RequestType & MessageType, payload as never, found.to, { signal })
    return JSON.stringify(answer) ?? 'null'
  } catch (error) {
    if (signal.aborted) throw error
    return `error: ${textOf(error)}`
  }
}
