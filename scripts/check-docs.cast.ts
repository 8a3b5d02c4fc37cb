// The cast of the examples: what they are about and do not introduce, because README.md or docs/patterns.md does. Each is
// known to every example by its name; whatever else an example needs it declares itself.
import { agent, type Context, event, type Runtime, request } from 'ringreeve'
import type { Dispatcher } from 'ringreeve/dispatch'

const digest = request<{ text: string; rounds: number }, string>('digest')
const hashed = event<{ total: number }>('hashed')
const digests = agent('hasher', { state: () => ({ total: 0 }) }).on(digest, ({ text }) => text)
const textArrived = event<{ text: string }>('text-arrived')
const analysed = event<{ words: number }>('analysed')

declare global {
  const Digest: typeof digest
  const Hashed: typeof hashed
  const hasher: typeof digests
  /** What the application made with `createRuntime`. */
  const runtime: Runtime
  /** What a handler of a `hasher` gets beside its payload. */
  const ctx: Context<{ total: number }>

  const TextArrived: typeof textArrived
  const Analysed: typeof analysed
  /** What the application made with `createDispatcher`. */
  const dispatcher: Dispatcher
}
