// Unbalanced Cobwebbed Tree: a tree of up to 200,000 agents grows at random, each node making its own children; then
// work goes down the tree and sums come back up. Many agents, irregular work. Checks that every node that was made was
// visited once, with the work that it said it would have.
import { agent, event, request } from 'ringreeve'
import { expect, Later, nextRandom, program, work } from './program.js'

interface Shape {
  readonly most: number
  readonly children: number
  readonly work: number
  readonly spread: number
}
interface Sums {
  readonly nodes: number
  readonly work: number
}

const Grow = request<Shape, { made: Sums; visited: Sums }>('grow')
const Make = event<{ n: number; height: number; shape: Shape; root: string }>('make')
const Ask = event<{ node: string; height: number; work: number }>('ask')
const Children = event<number>('children')
const Visit = event('visit')
const Report = event<Sums>('report')

/** Nodes above this height always have children, so that the tree does not end before it began. */
const SURE = 2

export const treeRoot = agent('tree-root', {
  concurrency: 'interleaved',
  subscriptions: ['tree-root'],
  state: () => ({
    shape: undefined as Shape | undefined,
    random: 3,
    nodes: 1,
    asking: 1,
    work: 0,
    grown: new Later(),
    visited: new Later<Sums>(),
  }),
})
  .on(Grow, async (shape, ctx) => {
    const { state } = ctx
    const top = `tree-node/${ctx.id.key}.0`
    state.shape = shape
    await ctx.publish(Make, { n: 0, height: 0, shape, root: `${ctx.id}` }, { topic: top })
    await state.grown.promise
    await ctx.publish(Visit, undefined, { topic: top })
    const visited = await state.visited.promise
    return { made: { nodes: state.nodes, work: state.work }, visited }
  })
  .on(Ask, ({ node, height, work }, ctx) => {
    const { state } = ctx
    const { most, children } = state.shape!
    state.work += work
    state.asking--
    state.random = nextRandom(state.random)
    if (state.nodes + children <= most && (height < SURE || state.random & 0x4000)) {
      const first = state.nodes
      state.nodes += children
      state.asking += children
      return ctx.publish(Children, first, { topic: node })
    }
    if (state.asking === 0) state.grown.resolve()
  })
  .on(Report, (sums, ctx) => ctx.state.visited.resolve(sums))

export const treeNode = agent('tree-node', {
  subscriptions: ['tree-node'],
  state: id => ({
    address: `tree-node/${id.key}`,
    parent: '',
    root: '',
    height: 0,
    shape: undefined as Shape | undefined,
    children: [] as string[],
    work: 0,
    result: 0,
    reports: 0,
    below: { nodes: 0, work: 0 },
  }),
})
  .on(Make, ({ n, height, shape, root }, ctx) => {
    const { state } = ctx
    state.parent = `${ctx.sender}`
    state.root = root
    state.height = height
    state.shape = shape
    state.work = size(n, shape)
    return ctx.publish(Ask, { node: state.address, height, work: state.work }, { topic: root })
  })
  .on(Children, async (first, ctx) => {
    const { state } = ctx
    const { shape, root } = state
    const tag = ctx.id.key.slice(0, ctx.id.key.lastIndexOf('.'))
    for (let n = first; n < first + shape!.children; n++) {
      const topic = `tree-node/${tag}.${n}`
      state.children.push(topic)
      await ctx.publish(Make, { n, height: state.height + 1, shape: shape!, root }, { topic })
    }
  })
  .on(Visit, async (_, ctx) => {
    const { state } = ctx
    state.result = work(state.work)
    if (state.children.length === 0) return ctx.publish(Report, { nodes: 1, work: state.work }, { topic: state.parent })
    for (const topic of state.children) await ctx.publish(Visit, undefined, { topic })
  })
  .on(Report, ({ nodes, work }, ctx) => {
    const { state } = ctx
    const below = { nodes: state.below.nodes + nodes, work: state.below.work + work }
    state.below = below
    if (++state.reports < state.children.length) return
    return ctx.publish(Report, { nodes: below.nodes + 1, work: below.work + state.work }, { topic: state.parent })
  })

/** How much a node has to do: around the mean, the same every time for the same node. */
function size(n: number, { work, spread }: Shape): number {
  let random = n + 1
  let total = 0
  for (let i = 0; i < 12; i++) {
    random = nextRandom(random)
    total += (random >> 8) / (0x7fff_ffff >> 8)
  }
  return Math.max(1, Math.round(work + (total - 6) * spread)) // twelve uniform numbers make a normal one, nearly
}

export const uct = program(
  'UCT',
  import.meta.url,
  {
    published: { nodes: 200_000, work: 500, spread: 100, children: 10 },
    brief: { nodes: 20_000, work: 500, spread: 100, children: 10 },
    small: { nodes: 500, work: 20, spread: 5, children: 5 },
  },
  async (runtime, { nodes, work, spread, children }, tag, clock) => {
    const { made, visited } = await clock.time(() =>
      runtime.send(Grow, { most: nodes, work, spread, children }, `tree-root/${tag}`),
    )
    expect('nodes visited', visited.nodes, made.nodes)
    expect('work done', visited.work, made.work)
    if (made.nodes < nodes / 2) throw new Error(`the tree has only ${made.nodes} nodes`)
    return 4 * made.nodes + Math.floor(made.nodes / children)
  },
)
