// One call of a chat-completions service, plain or streamed, through the client that the application gives. What it keeps:
// the two ways give the same reply; nothing here retries or waits, that is the client's.
import { RingreeveError } from '../agent/errors.js'

/**
 * What is used of a model SDK: the client of the `openai` package fits, `new OpenAI({ baseURL, apiKey })`, and with it
 * every service that speaks its protocol.
 * @example
 * import OpenAI from 'openai'
 * const client: ChatClient = new OpenAI({ baseURL: 'http://127.0.0.1:11434/v1', apiKey: 'none' })
 */
export interface ChatClient {
  /** As in the `openai` package. */
  readonly chat: { readonly completions: { create(body: never, options?: never): PromiseLike<unknown> } }
}

/** A tool as the service is told of it. */
export interface ToolDescription {
  readonly type: 'function'
  readonly function: { readonly name: string; readonly description?: string; readonly parameters: object }
}

/** A tool that the model wants called. */
export interface ToolCall {
  readonly id: string
  readonly type: 'function'
  readonly function: { readonly name: string; readonly arguments: string }
}

/**
 * One message of a conversation with a model, as the protocol has it.
 * @example
 * import OpenAI from 'openai'
 * const model = languageModel({ client: new OpenAI(), model: 'gpt-4.1-mini' })
 * const conversation: ChatMessage[] = [{ role: 'user', content: 'Who wrote Hamlet?' }]
 * conversation.push({ role: 'assistant', content: await model.text(ctx, { prompt: conversation }) })
 * conversation.push({ role: 'user', content: 'And when?' })
 */
export type ChatMessage =
  | { readonly role: 'system' | 'user'; readonly content: string }
  | { readonly role: 'assistant'; readonly content: string | null; readonly tool_calls?: readonly ToolCall[] }
  | { readonly role: 'tool'; readonly tool_call_id: string; readonly content: string }

/** What is asked of the service. */
export interface ChatBody {
  readonly model: string
  readonly messages: readonly ChatMessage[]
  readonly tools?: readonly ToolDescription[]
  readonly response_format?: object
}

/** How a call is made. */
export interface ChatOptions {
  readonly signal: AbortSignal
  readonly timeout: number
  readonly maxRetries: number
}

/** What the model says. */
export interface Reply {
  readonly text: string
  readonly calls: readonly ToolCall[]
}

/** A piece of a call. */
interface CallPart {
  /** Which call it is of; some services leave it out. */
  readonly index?: number | null
  readonly id?: string
  readonly function?: { readonly name?: string; readonly arguments?: string }
}

interface Delta {
  readonly content?: string | null
  readonly tool_calls?: readonly CallPart[]
}

/** @throws what the client throws; RingreeveError `ERR_RINGREEVE_MODEL` when the service says nothing that can be read */
export async function chat(client: ChatClient, body: ChatBody, options: ChatOptions): Promise<Reply> {
  const completion = (await client.chat.completions.create(body as never, options as never)) as {
    choices?: readonly { message?: { content?: string | null; tool_calls?: readonly ToolCall[] } }[]
  }
  const message = completion?.choices?.[0]?.message
  if (message === undefined)
    throw new RingreeveError('ERR_RINGREEVE_MODEL', `model '${body.model}' gave no choice`, true)
  return { text: message.content ?? '', calls: message.tool_calls ?? [] }
}

/** The same as a stream: `onText` gets each piece of text as it comes. */
export async function streamedChat(
  client: ChatClient,
  body: ChatBody,
  options: ChatOptions,
  onText: (piece: string) => void,
): Promise<Reply> {
  const streamed = { ...body, stream: true }
  const stream = (await client.chat.completions.create(streamed as never, options as never)) as AsyncIterable<{
    readonly choices?: readonly { readonly delta?: Delta; readonly finish_reason?: string | null }[]
  }>
  let text = ''
  let finished = false
  const calls: { id: string; type: 'function'; function: { name: string; arguments: string } }[] = []
  for await (const chunk of stream) {
    const choice = chunk.choices?.[0]
    if (choice?.finish_reason) finished = true
    if (choice?.delta?.content) {
      text += choice.delta.content
      await onText(choice.delta.content) // an async one may fail too, and the question with it
    }
    for (const part of choice?.delta?.tool_calls ?? []) {
      const index = part.index ?? indexOf(part, calls)
      calls[index] ??= { id: '', type: 'function', function: { name: '', arguments: '' } }
      const call = calls[index] as (typeof calls)[number]
      call.id ||= part.id ?? ''
      call.function.name += part.function?.name ?? ''
      call.function.arguments += part.function?.arguments ?? ''
    }
  }
  if (!finished) throw new RingreeveError('ERR_RINGREEVE_MODEL', `the stream of model '${body.model}' broke off`, true)
  return { text, calls: calls.filter(call => call !== undefined) }
}

/** Which call a piece is of that does not say it: only the first piece of a call has a name, and an id that is new. */
function indexOf({ id, function: called }: CallPart, calls: readonly ToolCall[]): number {
  const last = calls.at(-1)
  const begins = last === undefined || (id ? id !== last.id : Boolean(called?.name))
  return begins ? calls.length : calls.length - 1
}
