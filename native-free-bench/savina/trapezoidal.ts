// Trapezoidal: the integral of a function, in 10,000,000 pieces dealt to 100 workers. Hardly any messages, much to
// compute. Checks the integral against one that is computed here by another rule.
import { agent, request } from 'ringreeve'
import { many, program } from './program.js'

interface Range {
  readonly left: number
  readonly right: number
  readonly pieces: number
}

const Integrate = request<Range & { workers: string[] }, number>('integrate')
const Area = request<Range, number>('area')

const LEFT = 1
const RIGHT = 5

function f(x: number): number {
  return (1 / (x + 1)) * Math.sqrt(1 + Math.exp(Math.sqrt(2 * x))) * Math.sin(x ** 3 - 1)
}

export const integrator = agent('integrator').on(Integrate, async ({ left, right, pieces, workers }, ctx) => {
  const width = (right - left) / workers.length
  const areas = workers.map((to, i) => {
    const range = { left: left + i * width, right: left + (i + 1) * width, pieces: pieces / workers.length }
    return ctx.send(Area, range, to)
  })
  return (await Promise.all(areas)).reduce((total, area) => total + area, 0)
})

export const measurer = agent('measurer').on(Area, ({ left, right, pieces }) => {
  const width = (right - left) / pieces
  let total = (f(left) + f(right)) / 2
  for (let i = 1; i < pieces; i++) total += f(left + i * width)
  return total * width
})

/** The same by Simpson's rule. */
function simpson(left: number, right: number, pieces: number): number {
  const width = (right - left) / pieces
  let total = f(left) + f(right)
  for (let i = 1; i < pieces; i++) total += f(left + i * width) * (i % 2 === 1 ? 4 : 2)
  return (total * width) / 3
}

export const trapezoidal = program(
  'Trapezoidal',
  import.meta.url,
  {
    published: { pieces: 10_000_000, workers: 100 },
    brief: { pieces: 1_000_000, workers: 100 },
    small: { pieces: 20_000, workers: 10 },
  },
  async (runtime, { pieces, workers }, tag, clock) => {
    const order = { left: LEFT, right: RIGHT, pieces, workers: many('measurer', tag, workers) }
    const area = await clock.time(() => runtime.send(Integrate, order, `integrator/${tag}`))
    const other = simpson(LEFT, RIGHT, 20_000)
    if (!(Math.abs(area - other) < 1e-4)) throw new Error(`the integral is ${area}, and it must be close to ${other}`)
    return 2 * workers
  },
)
