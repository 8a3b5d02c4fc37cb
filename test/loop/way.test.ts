// Promised: messages of one sender to one agent go in the order in which they were sent, whatever they waited for; and each of
// them goes, or is told once that it never will. The way alone, with messages that say what became of them.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { OverloadedError, StoppedError, ThreadLostError } from '#ringreeve/agent/errors.js'
import { Directory } from '#ringreeve/loop/base/directory.js'
import { Ledger } from '#ringreeve/loop/base/ledger.js'
import { type Deferred, HeldBack } from '#ringreeve/loop/peer/held-back.js'
import { Way } from '#ringreeve/loop/peer/way.js'
import { Status } from '#ringreeve/sync/status.js'
import type { Link } from '#ringreeve/transport/link.js'
import { parcel } from './kit.js'

const link = { close() {} } as Link

/** A way to loop 1, where agents of type `there` live; and what went that way or was told that it would not. */
function alone() {
  const directory = new Directory(0)
  directory.route({ version: 1, types: { there: { loops: [1] }, here: { loops: [0] } }, subscriptions: [] })
  const way = new Way(1, '0.0', directory, new Ledger(new Status(), { request() {} }))
  const log: string[] = []
  const errors: unknown[] = []
  /** Sends, as a peer does: what was held comes back this way. @param chain an agent whose turn waits for it */
  const send = (text: string, to: string, from?: string, chain?: string): void => {
    const sent = parcel(from, chain)
    const told = (how: string) => (error: unknown) => {
      log.push(`${how} ${text}`)
      errors.push(error)
    }
    const go = (): void => {
      if (!way.take({ parcel: sent, unwanted: false, run: go, fail: told('failed'), drop: told('dropped') }, to, sent))
        log.push(text)
    }
    go()
  }
  const since = (): string[] => log.splice(0)
  return { way, send, since, errors }
}

describe('a way', () => {
  it('refuses more when too much waits for room: in number, or in bytes, but for one of each turn at work', () => {
    const ledger = new Ledger(new Status(), { request() {} })
    const way = new Way(1, '0.0', new Directory(0), ledger)
    const full = (backlog: number, backlogBytes: number) => way.full({ backlog, backlogBytes })?.message
    expect([full(65_535, 0), full(2, 2 ** 30 - 1)]).toEqual([undefined, undefined])
    expect(full(65_536, 0)).toBe('65536 messages wait for loop 1; await some before sending more')
    expect(full(2, 2 ** 30)).toBe('1073741824 bytes of messages wait for loop 1; await some before sending more')
    ledger.begin()
    ledger.begin()
    expect([full(65_537, 0), full(2, 2 ** 30)]).toEqual([undefined, undefined])
    expect([full(65_538, 0) === undefined, full(3, 2 ** 30) === undefined]).toEqual([false, false])
  })

  it('parks what is sent before there is a link, and sends it in order', () => {
    const { way, send, since } = alone()
    send('1', 'there/a')
    send('2', 'there/b')
    expect([since(), way.isFree('there/a')]).toEqual([[], false])
    way.open(link)
    expect([since(), way.isFree('there/a')]).toEqual([['1', '2'], true])
    send('3', 'there/a')
    expect(since()).toEqual(['3'])
  })

  it('holds what is for a full queue, and nothing else', () => {
    const { way, send, since } = alone()
    way.open(link)
    way.mute('there/a')
    way.mute('there/a')
    for (const [text, to] of ['1a', '2b', '3a'].map(text => [text, `there/${text[1]}`] as const)) send(text, to)
    expect([since(), way.mutes(['there/b', 'there/a']), way.isFree('there/a')]).toEqual([['2b'], true, false])
    way.unmute('there/a', 9)
    expect([since(), way.mutes(['there/a']), way.isFree('there/a')]).toEqual([['1a', '3a'], false, true])
    way.unmute('there/a', 9)
    expect(since()).toEqual([])
  })

  it('lets go so many as there is room for, and holds the others and what comes behind them', () => {
    const { way, send, since } = alone()
    way.open(link)
    way.mute('there/a')
    for (const text of ['1', '2', '3']) send(text, 'there/a')
    expect([way.unmute('there/a', 2), since(), way.isFree('there/a')]).toEqual([1, ['1', '2'], false])
    send('4', 'there/a')
    expect([way.unmute('there/a', 2), since(), way.isFree('there/a')]).toEqual([0, ['3', '4'], true])
  })

  it('that holds most lets pass what a turn over there waits for, and before it all of its sender', () => {
    const { way, send, since } = alone()
    way.open(link)
    way.hold(false)
    send('1', 'there/a', 'here/x')
    send('2', 'there/a', 'here/y')
    send('3', 'there/a', 'here/z', 'here/x')
    expect(since()).toEqual([])
    send('4', 'there/a', 'here/w', 'there/b') // its sender has nothing here: it does not wait for others
    expect(since()).toEqual(['4'])
    send('5', 'there/a', 'here/x', 'there/b')
    expect([since(), way.stage]).toEqual([['1', '2', '3', '5'], 'holding most'])
    way.hold(true)
    send('6', 'there/a', 'here/x', 'there/b')
    expect(since()).toEqual([])
    way.release()
    expect(since()).toEqual(['6'])
  })

  it('sends what was parked before what waited for a queue since then', () => {
    const { way, send, since } = alone()
    way.open(link)
    way.hold(true)
    send('1', 'there/a')
    way.mute('there/a')
    send('2', 'there/a')
    way.release()
    expect(since()).toEqual([])
    way.unmute('there/a', 9)
    expect(since()).toEqual(['1', '2'])
  })

  it('that loses its link keeps for the next what was not sent, and forgets full queues', () => {
    const { way, send, since } = alone()
    way.open(link)
    way.mute('there/a')
    send('1', 'there/a')
    way.unlink()
    send('2', 'there/a')
    expect([since(), way.mutes(['there/a']), way.link]).toEqual([[], false, undefined])
    way.open(link)
    expect(since()).toEqual(['1', '2'])
  })

  it('tells what waits for the queue of an agent that was stopped, and goes on holding', () => {
    const { way, send, since, errors } = alone()
    way.open(link)
    way.mute('there/a')
    way.mute('there/b')
    send('1', 'there/a')
    send('2', 'there/b')
    const error = new StoppedError('stopped')
    way.drop('there/a', error)
    expect([since(), errors, Object.isExtensible(error)]).toEqual([['dropped 1'], [error], false])
    send('3', 'there/a')
    way.unmute('there/a', 9)
    expect(since()).toEqual(['3'])
  })

  it('tells everything that will not be sent: what it has, and when that loop is lost what comes', () => {
    const { way, send, since, errors } = alone()
    way.open(link)
    way.mute('there/a')
    send('1', 'there/a')
    way.hold(true)
    send('2', 'there/b')
    way.abandon(new StoppedError('over'))
    expect(since()).toEqual(['failed 2', 'failed 1'])
    way.unlink()
    send('3', 'there/a')
    way.lose('it fell')
    way.lose('it fell again')
    send('4', 'there/a')
    expect(since()).toEqual(['failed 3', 'failed 4'])
    for (const error of errors.slice(2)) expect(error).toBeInstanceOf(ThreadLostError)
    way.close(new StoppedError('over'))
    send('5', 'there/a')
    expect([since(), errors.at(-1)]).toEqual([['failed 5'], new StoppedError('over')])
  })
})

it('refuses what is too much, and keeps what it has', () => {
  const held = new HeldBack(3, '0.0')
  const log: string[] = []
  const one = (text: string): Deferred => ({
    parcel: parcel('here/x'),
    unwanted: false,
    run: () => void log.push(text),
    fail: error => void log.push(`${text}: ${error instanceof OverloadedError && error.thread}`),
    drop: () => {},
  })
  for (const text of ['1', '2', '3']) held.park(one(text), 2)
  held.mute('there/a')
  for (const text of ['4', '5', '6']) expect(held.wait('there/a', one(text), 2)).toBe(true)
  expect(held.wait('there/b', one('7'), 2)).toBe(false)
  expect(log).toEqual(['3: 3', '6: 3'])
  expect([held.hasParked('here/x'), held.hasParked(undefined)]).toEqual([true, false])
  held.unmute('there/a', 9)
  held.unpark()
  expect(log.slice(2)).toEqual(['4', '5', '1', '2'])
})

it('lets go of what was given up meanwhile, which is no matter of the bound, nor of the room there is', () => {
  const held = new HeldBack(3, '0.0')
  const log: string[] = []
  const told = { wanted: new Set<number>() }
  const one = (n: number): Deferred => ({
    parcel: parcel('here/x'),
    get unwanted() {
      return !told.wanted.has(n)
    },
    run: () => void (told.wanted.has(n) && log.push(`${n}`)),
    fail: error => void log.push(`${n}: ${error.name}`),
    drop: () => {},
  })
  held.mute('there/a')
  for (let n = 0; n < 10_000; n++) {
    if (n % 1_000 === 7) told.wanted.add(n)
    expect(held.wait('there/a', one(n), 100)).toBe(true)
  }
  expect(log).toEqual([])
  expect(held.unmute('there/a', 2)).toBeLessThan(100)
  expect(log).toEqual(['7', '1007'])
  held.unmute('there/a', 100)
  expect(log.length).toBe(10)
  told.wanted = new Set([9, 10])
  held.mute('there/b')
  for (let n = 0; n <= 10; n++) held.wait('there/b', one(n), 100)
  expect([held.unmute('there/b', 1), log.at(-1), held.unmute('there/b', 1), log.at(-1)]).toEqual([1, '9', 0, '10'])
})

it('keeps the order of each sender to each agent, whatever happens in whatever order', () => {
  const names = fc.constantFrom('a', 'b')
  const what = fc.constantFrom('send', 'send', 'send', 'mute', 'unmute', 'hold', 'hold all', 'let go', 'unlink', 'open')
  const step = fc.record({
    do: what,
    to: names,
    from: names,
    passes: fc.boolean(),
    most: fc.integer({ min: 1, max: 3 }),
  })
  let waited = 0
  fc.assert(
    fc.property(fc.array(step, { maxLength: 50 }), steps => {
      const { way, send, since } = alone()
      const sent = new Map<string, string[]>()
      const all: string[] = []
      for (const [n, { do: doing, to, from, passes, most }] of steps.entries()) {
        const linked = way.link !== undefined
        const agent = `there/${to}`
        if (doing === 'send') {
          const text = `${from}${to} ${n}`
          sent.set(`${from}${to}`, [...(sent.get(`${from}${to}`) ?? []), text])
          send(text, agent, `here/${from}`, passes ? 'there/c' : undefined)
        } else if (!linked) {
          if (doing === 'open') way.open(link)
        } else if (doing === 'mute') way.mute(agent)
        else if (doing === 'unmute') way.unmute(agent, most)
        else if (doing === 'hold') way.hold(false)
        else if (doing === 'hold all') way.hold(true)
        else if (doing === 'let go') way.release()
        else if (doing === 'unlink') way.unlink()
        all.push(...since())
      }
      waited += [...sent.values()].flat().length - all.length
      if (way.link === undefined) way.open(link)
      way.release()
      for (const to of ['a', 'b']) while (way.unmute(`there/${to}`, 2) > 0);
      all.push(...since())
      for (const [pair, texts] of sent) expect(all.filter(text => text.startsWith(`${pair} `))).toEqual(texts)
      expect(all.length).toBe([...sent.values()].flat().length)
    }),
    { numRuns: 500 },
  )
  expect(waited).toBeGreaterThan(300)
})
