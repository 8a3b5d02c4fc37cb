// Lives and recycler alone, with lives that are no threads: what is told to whom, in which order, and what is tried again.
import { describe, expect, it } from 'vitest'
import { StoppedError, ThreadLostError } from '#ringreeve/agent/errors.js'
import { type Answers, livesOf, steps } from './fakes.js'

const heap = { used: 100, threshold: 50 }
const everywhere = { type: 'model', messages: [], subscriptions: [], concurrency: 'serial', version: 1 }
const never = () => new Promise<never>(() => {})

describe('a life', () => {
  it('is joined when it has loaded and knows the routes', async () => {
    const { begin, registry, log, loopOf } = livesOf(1)
    registry.modules.push('data:a')
    await begin()
    expect(log).toEqual(['1.1 load', '1.1 admit', '1.1 route', 'host attach', '1.1 attach'])
    expect((await loopOf(1)).life).toBe(1)
  })

  it('that is joined in the very moment in which a module is there has it too', async () => {
    for (let between = 0; between < 12; between++) {
      const open: Record<string, () => void> = {}
      const wait = (what: string) => new Promise<void>(resolve => Object.assign(open, { [what]: resolve }))
      const slowly: Answers = { load: () => wait('load').then(() => ({ value: [everywhere] })) }
      const { begin, lives, all, log, loopOf } = livesOf(2, 3, life =>
        life === 1 ? slowly : life === 3 ? { route: () => (open.route === undefined ? wait('route') : undefined) } : {},
      )
      await begin()
      await all[1]?.die('it died')
      const joined = loopOf(2)
      while (!log.includes('2.3 route')) await steps(1)
      const registered = lives.loading.register('data:late')
      await steps()
      open.load?.()
      for (let n = 0; n < between; n++) await undefined
      open.route?.()
      await Promise.all([registered, joined])
      await steps()
      const has = log.filter(line => /^2\.3 (load|admit)$/.test(line))
      expect([between, ...has]).toEqual([between, '2.3 load', '2.3 admit'])
    }
  })

  it('loads what has a type that lives there, and nothing else', async () => {
    const pinned = { ...everywhere, threads: 1 }
    const { begin, lives, all, log, loopOf, registry } = livesOf(3, 3, () => ({ load: () => ({ value: [pinned] }) }))
    await begin()
    await lives.loading.register('data:model')
    expect(registry.types.get('model')?.loops).toEqual([1])
    for (const life of [...all]) await life.die('it died')
    for (const index of [1, 2, 3]) await loopOf(index)
    await steps()
    expect(log.filter(line => line.endsWith('load'))).toEqual(['1.1 load', '1.4 load'])
  })

  it('that ends is followed by one that has what it kept, once all have heard of the end', async () => {
    const { begin, lives, all, log, loopOf, told } = livesOf(2)
    await begin()
    lives.keep({ agent: 'a/x', state: { value: 1 } })
    log.length = 0
    await all[0]?.die('it died')
    expect(lives.steady).toBe(false)
    expect((await loopOf(1)).life).toBe(3)
    expect(log.slice(0, 2).sort()).toEqual(['2.2 detach 1.1', 'host detach 1.1'])
    expect(log.slice(2, 4)).toEqual(['1.3 route', '1.3 remember'])
    expect(log.slice(4).sort()).toEqual(['1.3 attach', '1.3 attach', '2.2 attach', 'host attach'])
    await steps()
    expect([lives.steady, told]).toEqual([true, ['thread 1: it died']])
  })

  it('that ends before it could begin is followed by another, and who waits for the loop waits for that', async () => {
    const { begin, registry, all, loopOf, told, lives } = livesOf(1, 3, life => (life === 2 ? { load: never } : {}))
    registry.modules.push('data:a')
    await begin()
    await all[0]?.die('it died')
    const waits = loopOf(1)
    while (all.length < 2) await steps(1)
    await steps()
    await all[1]?.die('it died too')
    expect((await waits).life).toBe(3)
    await steps()
    expect(lives.steady).toBe(true)
    expect(told).toEqual(['thread 1: it died', 'thread 1: it died too'])
  })

  it('that cannot load is ended, and the loop given up when that comes too often', async () => {
    const refuses: Answers = { load: () => Promise.reject(new Error('no such file')) }
    const { begin, registry, all, loopOf, told } = livesOf(1, 2, life => (life > 1 ? refuses : {}))
    registry.modules.push('data:a')
    await begin()
    await all[0]?.die('it died')
    await expect(loopOf(1)).rejects.toThrow('thread 1, where a/x lives, was lost: ')
    expect(told.at(-1)).toBe('thread 1: it could not begin: no such file')
    expect(all.length).toBe(3)
  })

  it('of a loop that is given up has no next one; all are told, those that begin later too', async () => {
    const { begin, all, loopOf, log, lives } = livesOf(2, 0)
    await begin()
    await all[0]?.die('it died')
    await expect(loopOf(1)).rejects.toThrow(ThreadLostError)
    expect(log).toContain('host detach 1.1 for good')
    expect(log).toContain('2.2 detach 1.1 for good')
    expect(lives.present.map(loop => loop.index)).toEqual([2])

    const other = livesOf(2, 1)
    await other.begin()
    await other.all[0]?.die('it died')
    expect((await other.loopOf(1)).life).toBe(3)
    await other.all[2]?.die('it died again')
    await expect(other.loopOf(1)).rejects.toThrow(ThreadLostError)
    await other.all[1]?.die('it died')
    expect((await other.loopOf(2)).life).toBe(4)
    await steps()
    expect(other.log.filter(line => line.startsWith('2.4'))).toContain('2.4 detach 1.3 for good')
  })

  it('is not to be had once the run ends, be it the calling loop; none is replaced', async () => {
    const { begin, lives, all, loopOf, told } = livesOf(1)
    await begin()
    expect((await loopOf(0)).index).toBe(0)
    const stopped = lives.stop(100, 100, new StoppedError('the runtime was stopped'))
    for (const index of [0, 1]) await expect(loopOf(index)).rejects.toThrow(StoppedError)
    expect(await stopped).toMatchObject([{ index: 1, failures: [] }])
    await steps()
    for (const index of [0, 1]) await expect(loopOf(index)).rejects.toThrow(StoppedError)
    expect([all.length, told]).toEqual([1, []])
  })
})

/** Two threads, of which the first is asked to leave, and the second begins again meanwhile. */
async function leaving() {
  let leave!: (left: unknown) => void
  const leaves = new Promise<unknown>(resolve => {
    leave = resolve
  })
  const all = livesOf(2, 3, life => (life === 1 ? { leave: () => leaves } : {}))
  await all.begin()
  all.log.length = 0
  all.lives.recycler.full(1, 1, heap)
  while (!all.log.includes('1.1 leave')) await steps(1)
  await all.all[1]?.die('it died')
  expect((await all.loopOf(2)).life).toBe(3)
  return { all, leave }
}

describe('the recycler', () => {
  it('moves a thread to its next life: nobody is charged, orders wait for it', async () => {
    const { begin, lives, all, log, loopOf, told } = livesOf(2, 0)
    await begin()
    log.length = 0
    lives.recycler.full(1, 1, heap)
    expect([lives.recycler.busy, lives.steady]).toEqual([true, false])
    const seen: unknown[] = []
    await lives.recycler.undisturbed(async () => seen.push((await loopOf(1)).life))
    expect(seen).toEqual([3])
    await steps()
    expect([lives.recycler.recycled, lives.recycler.busy, lives.steady]).toEqual([1, false, true])
    expect(told).toEqual(['thread 1 was recycled: 1 agents moved'])
    expect(all.map(({ over }) => over)).toEqual([true, false, false])
    const of = (name: string) => log.filter(line => line.startsWith(`${name} `)).map(line => line.split(' ')[1])
    expect(of('1.1')).toEqual(['weigh', 'settle', 'leave'])
    expect(of('2.2')).toEqual(['release', 'hold', 'hold', 'detach', 'attach'])
    expect(of('1.3')).toEqual(['route', 'moveIn', 'attach', 'attach', 'rouse'])
  })

  it('has nobody joined to a thread that is about to leave: who begins then has its link to the next life', async () => {
    const { all, leave } = await leaving()
    await steps()
    expect(all.log.filter(line => line.startsWith('2.3'))).toEqual(['2.3 route', '2.3 attach'])
    leave({ moved: 0, active: [] })
    while (!all.log.includes('1.4 rouse')) await steps(1)
    expect(all.log.filter(line => line === '1.1 attach')).toEqual([])
    expect(all.log.filter(line => line.startsWith('2.3')).slice(2)).toEqual(['2.3 detach 1.1', '2.3 attach'])
  })

  it.each([
    ['stays', 'busy'],
    ['may not leave', { why: 'for a reason' }],
  ])('has who begins meanwhile joined to a thread that %s after all', async (_, answer) => {
    const { all, leave } = await leaving()
    expect(all.log).not.toContain('1.1 attach')
    leave(answer)
    while (!all.log.includes('1.1 attach')) await steps(1)
    await steps()
    expect(all.log.filter(line => line === '1.1 attach')).toHaveLength(1)
    expect(all.log.filter(line => line === '2.3 attach')).toHaveLength(2)
  })

  it('does not wait for the agents that are made again: they may give orders', async () => {
    const orders: string[] = []
    const rouse = () => all.lives.recycler.undisturbed(async () => orders.push('while it rouses'))
    const all = livesOf(1, 0, life => (life === 2 ? { rouse } : {}))
    await all.begin()
    all.lives.recycler.full(1, 1, heap)
    await all.lives.recycler.undisturbed(async () => orders.push('after the move'))
    await steps()
    expect(orders.sort()).toEqual(['after the move', 'while it rouses'])
    expect(all.lives.steady).toBe(true)
  })

  it('calls a move off that cannot be made: what was held goes on, and it is not tried again at once', async () => {
    const { begin, lives, all, log, loopOf, told } = livesOf(2, 0, () => ({ settle: () => "'ask' of a/x is at work" }))
    await begin()
    log.length = 0
    lives.recycler.full(1, 1, heap)
    await lives.recycler.undisturbed(async () => {})
    await steps()
    expect(told).toEqual(["thread 1 has a full heap and was not recycled: 'ask' of a/x is at work"])
    expect(log.filter(line => line.startsWith('2.2'))).toEqual(['2.2 release', '2.2 hold', '2.2 release'])
    expect(log).toContain('1.1 stay')
    expect((await loopOf(1)).life).toBe(1)
    lives.recycler.full(1, 1, heap)
    await steps()
    expect([lives.recycler.busy, told.length, all.length, lives.steady]).toEqual([false, 1, 2, true])
  })

  it('tells of no move when the life ends of itself meanwhile: that is a crash', async () => {
    const { begin, lives, all, loopOf, told } = livesOf(1, 3, life => (life === 1 ? { settle: never } : {}))
    await begin()
    lives.recycler.full(1, 1, heap)
    await steps()
    await all[0]?.die('it died')
    expect((await loopOf(1)).life).toBe(2)
    await steps()
    expect([told, lives.recycler.recycled, lives.recycler.busy]).toEqual([['thread 1: it died'], 0, false])
  })

  it('gives up a move for which orders do not end: one may wait for another that waits behind the move', async () => {
    const { begin, lives, log, told } = livesOf(1)
    await begin()
    log.length = 0
    const { recycler } = lives
    await recycler.undisturbed(async () => {
      recycler.full(1, 1, heap)
      await recycler.undisturbed(async () => {})
    })
    await steps()
    expect(told).toEqual(['thread 1 has a full heap and was not recycled: orders to agents are still at work'])
    expect(log).toEqual([])
  })

  it('moves nothing that waited when the run ends', async () => {
    const { begin, lives, log } = livesOf(1)
    await begin()
    log.length = 0
    await lives.recycler.undisturbed(async () => {
      lives.recycler.full(1, 1, heap)
      lives.recycler.end()
    })
    await steps()
    expect(log).toEqual([])
  })
})
