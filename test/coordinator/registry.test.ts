// Promised: a loop that is told what changed of the routes knows what one knows that is given the whole table, whenever it is told.
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Registry } from '#ringreeve/coordinator/registry.js'
import { type RouteChanges, Routes, type RouteTable } from '#ringreeve/routing/table.js'

const types = ['a', 'b', 'c']
const patterns = [{ topic: 'news' }, { topic: 'new' }, { prefix: 'new' }, { prefix: '' }]
const topics = ['news', 'new', 'old', 'newest']

function tell(routes: Routes, change: RouteTable | RouteChanges): void {
  if ('types' in change) routes.replace(change)
  else routes.change(change)
}

it('as changes or as a table', () => {
  const toggles = fc.record({ type: fc.constantFrom(...types), pattern: fc.constantFrom(...patterns) })
  const step = fc.oneof(
    { weight: 6, arbitrary: toggles },
    { weight: 3, arbitrary: fc.constant('tell') },
    { weight: 1, arbitrary: fc.constantFrom('fail', 'tell whole') },
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), steps => {
      const registry = new Registry(1)
      for (const type of types) registry.addObject({ type, subscriptions: [], version: 1 } as never)
      const told = new Routes()
      const ids = new Map<string, string>()
      for (const one of steps) {
        if (one === 'fail') registry.fail('c', 'it failed')
        else if (one === 'tell whole') tell(told, registry.table())
        else if (one === 'tell') tell(told, registry.since(told.version))
        else {
          const wish = { agent: one.type, ...one.pattern }
          const key = JSON.stringify(wish)
          const id = ids.get(key)
          if (id === undefined) ids.set(key, registry.subscribe(wish as never))
          else {
            registry.unsubscribe(id)
            ids.delete(key)
          }
        }
      }
      tell(told, registry.since(told.version))
      const whole = new Routes()
      whole.replace(registry.table())
      expect(told.version).toBe(whole.version)
      for (const topic of topics) expect(new Set(told.match(topic))).toEqual(new Set(whole.match(topic)))
      for (const type of types) expect(told.failed(type)).toBe(whole.failed(type))
    }),
  )
})

it('in order, and with no more than it lacks, however many there were', () => {
  const registry = new Registry(1)
  registry.addObject({ type: 'a', subscriptions: [], version: 1 } as never)
  const told = new Routes()
  tell(told, registry.since())
  for (let n = 0; n < 5_000; n++) {
    registry.subscribe({ agent: 'a', topic: `t${n}` })
    if (n % 7 !== 0) continue
    const change = registry.since(told.version)
    expect('changes' in change && change.changes.length).toBe(n === 0 ? 1 : 7)
    tell(told, change)
  }
  tell(told, registry.since(0)) // too long ago: the whole table
  expect(told.match('t4999')).toEqual(['a'])
})
