// Bank Transaction: a teller has 50,000 transfers made between 1,000 accounts. An account waits for the other one to
// take the money before it does anything else, so calls nest. Money only goes from an account to one with a higher
// number: so no two ever wait for each other. Checks that no money was made or lost, and each transfer was done once.
import { agent, request } from 'ringreeve'
import { expect, many, nextRandom, program, sum } from './program.js'

const Serve = request<{ accounts: string[]; transfers: number; seed: number }, { moved: number; done: number }>('serve')
const Transfer = request<{ amount: number; to: string }, number>('transfer')
const Deposit = request<number, void>('deposit')
const Statement = request<void, { balance: number; sent: number; received: number }>('statement')

const OPENING = 100_000

export const teller = agent('teller').on(Serve, async ({ accounts, transfers, seed }, ctx) => {
  let random = seed
  const pick = (below: number) => {
    random = nextRandom(random)
    return (random >> 8) % below
  }
  const orders = Array.from({ length: transfers }, () => {
    const from = pick(Math.floor(accounts.length / 10) * 8)
    const to = from + 1 + pick(accounts.length - from - 1)
    return ctx.send(Transfer, { amount: 1 + pick(1_000), to: accounts[to]! }, accounts[from]!)
  })
  const moved = await Promise.all(orders)
  return { moved: sum(moved), done: moved.length }
})

export const account = agent('account', { state: () => ({ balance: OPENING, sent: 0, received: 0 }) })
  .on(Transfer, async ({ amount, to }, ctx) => {
    const { state } = ctx
    state.balance -= amount
    await ctx.send(Deposit, amount, to)
    state.sent++
    return amount
  })
  .on(Deposit, (amount, { state }) => {
    state.balance += amount
    state.received++
  })
  .on(Statement, (_, ctx) => ctx.state)

export const bankTransaction = program(
  'Bank Transaction',
  import.meta.url,
  {
    published: { accounts: 1_000, transfers: 50_000 },
    brief: { accounts: 1_000, transfers: 10_000 },
    small: { accounts: 50, transfers: 500 },
  },
  async (runtime, { accounts, transfers }, tag, clock) => {
    const ids = many('account', tag, accounts)
    const { done } = await clock.time(() => runtime.send(Serve, { accounts: ids, transfers, seed: 7 }, `teller/${tag}`))
    const books = await Promise.all(ids.map(id => runtime.send(Statement, undefined, id)))
    expect('transfers that were answered', done, transfers)
    expect('transfers sent', sum(books.map(one => one.sent)), transfers)
    expect('transfers received', sum(books.map(one => one.received)), transfers)
    expect('money of all accounts', sum(books.map(one => one.balance)), accounts * OPENING)
    return 4 * transfers
  },
)
