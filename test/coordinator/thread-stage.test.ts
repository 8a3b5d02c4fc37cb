// The stages of a life alone, and of threads that are killed in each of them.
import { describe, expect, it } from 'vitest'
import { type ThreadEvent, ThreadStages, threadTable } from '#ringreeve/coordinator/thread-stage.js'
import { Threads } from '#ringreeve/coordinator/threads.js'
import { House } from '#ringreeve/sync/status.js'
import { goesByItsDrawing } from './pairs.js'

goesByItsDrawing('thread-stage.ts', threadTable)

const never = 'data:text/javascript,await new Promise(() => setInterval(() => {}, 1_000))'

describe('a life', () => {
  it('is over when its thread is gone or left behind, and stays so', () => {
    const over = (...events: ThreadEvent[]): boolean => {
      const stages = new ThreadStages()
      for (const event of events) stages.to(event)
      return stages.over
    }
    expect(over('answers', 'killed', 'settles')).toBe(false)
    expect(over('settles', 'gone')).toBe(true)
    expect(over('killed', 'settles', 'stuck')).toBe(true)
    expect(over('settles', 'stuck', 'gone', 'killed', 'answers')).toBe(true)
  })

  it('is over once its end is told, whether it was killed before or after it answered', async () => {
    const house = new House()
    const task = {
      loops: 2,
      wait: 'poll',
      log: false,
      unhandled: false,
      unheard: false,
      recycleAt: 0,
      senderContext: false,
    } as const
    const threads = new Threads({
      threads: 1,
      resourceLimits: undefined,
      task: { ...task, paused: false, house: { memory: house.memory, built: house.built } },
    })
    for (const answers of [true, false, true]) {
      const life = threads.spawn(1)
      if (answers) await life.order(control => control.takeIn())
      const lost = life.order(control => control.load(never, 60_000, 1)).catch((error: Error) => error.message)
      expect(life.over).toBe(false)
      life.kill('enough')
      life.kill('too much')
      expect(await life.ended).toMatchObject({ why: 'enough', zombie: false })
      expect(life.over).toBe(true)
      if (answers) expect(await lost).toBe('thread 1 was lost: enough')
      await expect(life.order(control => control.takeIn())).rejects.toThrow('thread 1 was lost: enough')
    }
    expect(threads.zombies).toBe(0)
    await threads.destroy()
  })
})
