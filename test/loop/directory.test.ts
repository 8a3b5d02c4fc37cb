// Promised: what a loop remembers of the names it was given is bounded, however many there are and however long: whoever names
// agents and topics by what comes from outside fills no memory by it. What it says of them is the same.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import { Directory } from '#ringreeve/loop/base/directory.js'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

const heap = (): number => {
  collect()
  return process.memoryUsage().heapUsed
}

function directory(): Directory {
  const all = new Directory(0)
  const subscriptions = [{ id: 's', agent: 'a', topic: 't', prefix: undefined }]
  all.route({ version: 1, types: { a: { loops: [0] } }, subscriptions })
  return all
}

it('ever-new long keys, topics and topic types', { timeout: 60_000 }, () => {
  const all = directory()
  const before = heap()
  // not by repeat() alone: such a string is but a note of how it is made
  const long = (i: number): string => Buffer.alloc(4_000, `${i}.`).toString('latin1')
  for (let i = 0; i < 20_000; i++) {
    const name = long(i)
    all.of(`a/${name}`)
    all.audience(`t/${name}`)
    all.audience(`${name}/x`)
  }
  expect(heap() - before).toBeLessThan(60e6) // all of them: 290 MB
  expect(all.version).toBe(1) // and it is there still
})

it('what is forgotten is found again', () => {
  const all = directory()
  const first = all.of('a/first')
  for (let i = 0; i < 4_000; i++) all.of(`a/${Buffer.alloc(4_000, `${i}.`)}`)
  expect(all.of('a/first')).not.toBe(first)
  expect(all.of('a/first')).toEqual(first)
  all.forget('a/first')
  all.forget('a/first')
  expect(all.of('a/first')).toEqual(first)
})
