// The heavy endpoint's work, as an agent: it takes a core for some tens of milliseconds and awaits nothing.
import { agent, request } from 'ringreeve'

export const CountPrimes = request<{ below: number }, number>('count-primes')

export const primes = agent('primes').on(CountPrimes, ({ below }, ctx) => {
  let count = 0
  for (let n = 2; n < below; n++) {
    if (isPrime(n)) count++
    if (n % 1024 === 0 && ctx.cancelled) break // the client is gone
  }
  return count
})

function isPrime(n: number): boolean {
  if (n % 2 === 0) return n === 2
  for (let divisor = 3; divisor * divisor <= n; divisor += 2) if (n % divisor === 0) return false
  return true
}
