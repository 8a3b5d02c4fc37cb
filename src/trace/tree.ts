// A conversation as trees. What it keeps: every message that has an entry is in exactly one place, under the message
// that led to it if that one has an entry too, else at the top; siblings stand in the order in which they were sent.
import type { LogEntry } from '../observe/log.js'

/**
 * What became of a message at one agent.
 * @example
 * const took = ({ begun, ended }: TraceDelivery) => (begun === undefined || ended === undefined ? 0 : ended - begun)
 * const slow = new Tracer().trees().filter(({ deliveries }) => deliveries.some(one => took(one) > 100))
 */
export interface TraceDelivery {
  /** The agent: `type/key`; of an event that nobody hears, the topic. */
  readonly agent: string
  /** The thread it was handled on; 0 is the calling one. */
  readonly loop: number
  /** When the handler began, milliseconds since 1970; undefined if it did not, or the ring no longer tells. */
  readonly begun: number | undefined
  /** When the handler ended, likewise. */
  readonly ended: number | undefined
  /** `'open'`: under way, or the ring no longer tells. */
  readonly outcome: 'open' | 'handled' | 'error' | 'drop' | 'dead'
  /** Of `'error'`, `'drop'` and `'dead'` (a dead letter): why. */
  readonly reason: string | undefined
  /** Whether it was told of as slow. */
  readonly slow: boolean
}

/**
 * One message of a conversation, with those that it led to.
 * @example
 * const count = ({ children }: TraceNode): number => children.reduce((sum, child) => sum + count(child), 1)
 * for (const root of new Tracer().trees()) console.log(root.message, 'led to', count(root) - 1)
 */
export interface TraceNode {
  /** What the message is called in the event log. */
  readonly id: string
  /** Name of the message type. */
  readonly message: string
  /** The agent that sent it; undefined when the application did. */
  readonly sender: string | undefined
  /** The recipient (`type/key`) or the topic (`type/source`), as it was sent. */
  readonly to: string | undefined
  /** When it was sent, milliseconds since 1970. */
  readonly time: number
  /** What became of it, at each agent that it reached. */
  readonly deliveries: readonly TraceDelivery[]
  /** Id of the message that led to it. */
  readonly cause: string | undefined
  /** The messages that it led to. */
  readonly children: readonly TraceNode[]
}

type Draft<T> = { -readonly [K in keyof T]: T[K] }
interface Building extends Draft<Omit<TraceNode, 'deliveries' | 'children'>> {
  readonly deliveries: Draft<TraceDelivery>[]
  readonly children: Building[]
}

const outcomes: Partial<Record<LogEntry['event'], TraceDelivery['outcome']>> = {
  respond: 'handled',
  handled: 'handled',
  error: 'error',
  drop: 'drop',
  dead: 'dead',
}

/** Puts entries together. */
export function treesOf(entries: readonly LogEntry[]): TraceNode[] {
  const nodes = new Map<string, Building>()
  for (const entry of entries) if (entry.messageId !== undefined) note(nodes, entry.messageId, entry)
  const roots: Building[] = []
  for (const node of nodes.values()) {
    const parent = node.cause === undefined ? undefined : nodes.get(node.cause)
    if (parent === undefined || leadsTo(node, parent)) roots.push(node)
    else parent.children.push(node)
  }
  for (const node of nodes.values()) node.children.sort((a, b) => a.time - b.time)
  return roots.sort((a, b) => a.time - b.time)
}

function note(nodes: Map<string, Building>, id: string, entry: LogEntry): void {
  const { event, time, loop } = entry
  let node = nodes.get(id)
  if (node === undefined) {
    node = {
      id,
      message: entry.message ?? '',
      sender: entry.sender,
      to: undefined,
      time,
      deliveries: [],
      children: [],
      cause: undefined,
    }
    nodes.set(id, node)
  }
  if (event === 'send' || event === 'publish') {
    node.to = node.to === undefined ? (entry.agent ?? entry.topic) : `${node.to}, ${entry.agent ?? entry.topic}`
    node.time = time
    node.cause = entry.cause
    return
  }
  const agent = entry.agent ?? (event === 'dead' ? entry.topic : undefined)
  if (agent === undefined) return
  const outcome = outcomes[event]
  let delivery = node.deliveries.find(one => one.agent === agent && one.outcome === 'open')
  if (delivery === undefined) {
    const times = { begun: undefined, ended: undefined }
    delivery = { agent, loop, ...times, outcome: 'open', reason: undefined, slow: false }
    node.deliveries.push(delivery)
  }
  if (event === 'process') delivery.begun = time
  if (event === 'slow') delivery.slow = true
  if (outcome === undefined) return
  delivery.outcome = outcome
  delivery.ended = time
  delivery.reason = entry.reason
}

/** Whether `ancestor` stands somewhere above `node` already: ids of the sender's own choice could make a ring. */
function leadsTo(ancestor: Building, node: Building): boolean {
  const below = [...ancestor.children]
  if (ancestor === node) return true
  for (let next = below.pop(); next !== undefined; next = below.pop()) {
    if (next === node) return true
    below.push(...next.children)
  }
  return false
}

/**
 * A tree as lines of text, for people.
 * @example
 * const tracer = new Tracer() // createRuntime({ log: tracer.log })
 * console.log(tracer.trees('hamlet').map(treeText).join('\n'))
 */
export function treeText(root: TraceNode): string {
  const lines: string[] = []
  const open: [node: TraceNode, indent: string][] = [[root, '']]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [node, indent] = next
    lines.push(`${indent}${lineOf(node)}`)
    for (const child of node.children.toReversed()) open.push([child, `${indent}  `])
  }
  return lines.join('\n')
}

function lineOf({ message, sender, to, deliveries }: TraceNode): string {
  const where = deliveries.map(({ agent, loop, begun, ended, outcome, reason, slow }) => {
    const took = begun === undefined || ended === undefined ? '' : ` ${ended - begun} ms`
    const why = reason === undefined ? '' : ` (${reason})`
    return `${agent} on loop ${loop}: ${outcome}${took}${slow ? ', slow' : ''}${why}`
  })
  return `${message} from ${sender ?? 'the application'} → ${where.join('; ') || to || '?'}`
}
