// Stands in for a model where there is none: a local server that speaks as much of the chat-completions protocol as this
// example uses. It asks for the keywords by the tool, believes what it is told, and quotes for a summary.
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { sentencesOf } from './rank.js'

interface Asked {
  readonly stream?: boolean
  readonly response_format?: unknown
  readonly messages: readonly { readonly role: string; readonly content: string }[]
}

function answer({ response_format, messages }: Asked): {
  readonly content: string | null
  readonly tool_calls?: unknown
} {
  const text = messages[1]?.content ?? ''
  const last = messages.at(-1)
  if (response_format === undefined) return { content: sentencesOf(text.replace(/^.*?: /, ''))[0] ?? 'It is short.' }
  if (last?.role === 'tool') return { content: JSON.stringify({ ease: 50, keywords: JSON.parse(last.content) }) }
  const call = { name: 'keywords', arguments: JSON.stringify({ text }) }
  return { content: null, tool_calls: [{ index: 0, id: 'call-1', type: 'function', function: call }] }
}

function say(response: ServerResponse, asked: Asked): void {
  const message = answer(asked)
  const finish_reason = message.tool_calls === undefined ? 'stop' : 'tool_calls'
  if (asked.stream !== true) {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ choices: [{ index: 0, finish_reason, message: { role: 'assistant', ...message } }] }))
    return
  }
  response.setHeader('content-type', 'text/event-stream')
  response.write(`data: ${JSON.stringify({ choices: [{ index: 0, finish_reason, delta: message }] })}\n\n`)
  response.end('data: [DONE]\n\n')
}

/** @returns its address, and what ends it */
export async function standIn(): Promise<{ url: string; close(): void }> {
  const server = createServer(async (request, response) => {
    let text = ''
    for await (const piece of request) text += piece
    say(response, JSON.parse(text) as Asked)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = () => {
    server.closeAllConnections()
    server.close()
  }
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, close }
}
