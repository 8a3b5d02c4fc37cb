// A local server that speaks the chat-completions protocol, plain and streamed, and says what a test scripted.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What was asked of the server. */
export interface Asked {
  readonly model: string
  readonly stream?: boolean
  readonly messages: readonly {
    readonly role: string
    readonly content: string | null
    readonly tool_call_id?: string
  }[]
  readonly tools?: readonly { readonly function: { readonly name: string; readonly parameters: object } }[]
  readonly response_format?: { readonly type: string; readonly json_schema?: { readonly schema: object } }
}

/** What it says: text, calls of tools, a status that is an error, a stream that breaks off, or nothing, ever. */
export type Say =
  | { readonly text: string }
  | { readonly calls: readonly { readonly name: string; readonly arguments: string }[] }
  | { readonly status: number }
  | { readonly broken: string }
  | 'nothing'

/** A server whose answers a function makes of what is asked. */
export class ChatServer implements AsyncDisposable {
  readonly asked: Asked[] = []
  /** The last words of those whose asker went away before the answer. */
  readonly abandoned: (string | null | undefined)[] = []
  readonly #server: Server
  readonly #waiting: (() => void)[] = []

  private constructor(answer: (asked: Asked, n: number) => Say) {
    this.#server = createServer((request, response) => {
      void body(request).then(text => {
        const asked = JSON.parse(text) as Asked
        response.on('close', () => {
          if (!response.writableEnded) this.abandoned.push(asked.messages.at(-1)?.content)
          for (const look of this.#waiting) look()
        })
        this.asked.push(asked)
        for (const look of this.#waiting) look()
        say(response, asked, answer(asked, this.asked.length))
      })
    })
  }

  static async start(answer: (asked: Asked, n: number) => Say): Promise<ChatServer> {
    const server = new ChatServer(answer)
    server.#server.listen(0, '127.0.0.1')
    await once(server.#server, 'listening')
    return server
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`
  }

  /** Resolves once something that was asked or abandoned makes it true. */
  until(condition: (server: ChatServer) => boolean): Promise<void> {
    return new Promise(resolve => {
      const look = () => {
        if (condition(this)) resolve()
      }
      this.#waiting.push(look)
      look()
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

async function body(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const piece of request) text += piece
  return text
}

function say(response: ServerResponse, asked: Asked, what: Say): void {
  if (what === 'nothing') return
  if ('status' in what) {
    response.writeHead(what.status, { 'content-type': 'application/json', 'retry-after-ms': '1' })
    response.end(JSON.stringify({ error: { message: `status ${what.status}` } }))
    return
  }
  const text = 'text' in what ? what.text : 'broken' in what ? what.broken : null
  const calls =
    'calls' in what
      ? what.calls.map((call, n) => ({ id: `call-${n}`, type: 'function' as const, function: call }))
      : undefined
  const frame = { id: 'x', created: 0, model: asked.model }
  if (asked.stream !== true) {
    response.writeHead(200, { 'content-type': 'application/json' })
    const message = { role: 'assistant', content: text, ...(calls && { tool_calls: calls }) }
    const choices = [{ index: 0, message, finish_reason: calls ? 'tool_calls' : 'stop' }]
    response.end(JSON.stringify({ ...frame, object: 'chat.completion', choices }))
    return
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  const send = (delta: object, finish: string | null = null) => {
    const choices = [{ index: 0, delta, finish_reason: finish }]
    response.write(`data: ${JSON.stringify({ ...frame, object: 'chat.completion.chunk', choices })}\n\n`)
  }
  for (const piece of text?.match(/.{1,5}/gs) ?? []) send({ content: piece })
  for (const [index, call] of (calls ?? []).entries()) {
    const half = call.function.arguments.length >> 1
    const { name, arguments: all } = call.function
    send({ tool_calls: [{ index, id: call.id, type: 'function', function: { name, arguments: all.slice(0, half) } }] })
    send({ tool_calls: [{ index, function: { arguments: all.slice(half) } }] })
  }
  if ('broken' in what) {
    response.end()
    return
  }
  send({}, calls ? 'tool_calls' : 'stop')
  response.end('data: [DONE]\n\n')
}
