// N-Queens: a master deals boards to 20 workers; a worker either gives back the boards that follow from its own, or
// solves it to the end. Checks the number of solutions: 14,200 for 12 queens.
import { agent, event, request } from 'ringreeve'
import { expect, Later, many, program } from './program.js'

const Solve = request<{ workers: string[]; queens: number; threshold: number }, { solutions: number; boards: number }>(
  'solve',
)
const Board = event<{ board: number[]; queens: number; threshold: number; master: string }>('board')
const More = event<number[]>('more')
const Done = event<number>('done')

const SOLUTIONS: Readonly<Record<number, number>> = { 6: 4, 7: 40, 8: 92, 9: 352, 10: 724, 11: 2_680, 12: 14_200 }

export const queensMaster = agent('queens-master', {
  concurrency: 'interleaved',
  subscriptions: ['queens-master'],
  state: () => ({
    workers: [] as string[],
    queens: 0,
    threshold: 0,
    turn: 0,
    open: 1,
    solutions: 0,
    end: new Later(),
  }),
})
  .on(Solve, async ({ workers, queens, threshold }, ctx) => {
    const { state } = ctx
    Object.assign(state, { workers, queens, threshold, turn: 1 })
    await ctx.publish(Board, { board: [], queens, threshold, master: `${ctx.id}` }, { topic: workers[0]! })
    await state.end.promise
    return { solutions: state.solutions, boards: state.turn }
  })
  .on(More, (board, ctx) => {
    const { state } = ctx
    const { queens, threshold, workers } = state
    state.open++
    const topic = workers[state.turn++ % workers.length]!
    return ctx.publish(Board, { board, queens, threshold, master: `${ctx.id}` }, { topic })
  })
  .on(Done, (solutions, { state }) => {
    state.solutions += solutions
    // a worker's boards come before its word that it is done, so nothing is open that is not counted
    if (--state.open === 0) state.end.resolve()
  })

export const queensWorker = agent('queens-worker', { subscriptions: ['queens-worker'] }).on(
  Board,
  async ({ board, queens, threshold, master }, ctx) => {
    if (board.length >= threshold) return ctx.publish(Done, solve(board, queens), { topic: master })
    for (let column = 0; column < queens; column++)
      if (safe(board, column)) await ctx.publish(More, [...board, column], { topic: master })
    await ctx.publish(Done, 0, { topic: master })
  },
)

/** Whether a queen of the next row may stand in a column. */
function safe(board: readonly number[], column: number): boolean {
  const row = board.length
  for (let i = 0; i < row; i++) {
    const other = board[i]!
    if (other === column || Math.abs(other - column) === row - i) return false
  }
  return true
}

function solve(board: number[], queens: number): number {
  if (board.length === queens) return 1
  let solutions = 0
  for (let column = 0; column < queens; column++) {
    if (!safe(board, column)) continue
    board.push(column)
    solutions += solve(board, queens)
    board.pop()
  }
  return solutions
}

export const nQueens = program(
  'N-Queens',
  import.meta.url,
  {
    published: { queens: 12, workers: 20, threshold: 4 },
    brief: { queens: 10, workers: 20, threshold: 4 },
    small: { queens: 7, workers: 5, threshold: 3 },
  },
  async (runtime, { queens, workers, threshold }, tag, clock) => {
    const order = { workers: many('queens-worker', tag, workers), queens, threshold }
    const { solutions, boards } = await clock.time(() => runtime.send(Solve, order, `queens-master/${tag}`))
    expect(`solutions for ${queens} queens`, solutions, SOLUTIONS[queens]!)
    return 3 * boards
  },
)
