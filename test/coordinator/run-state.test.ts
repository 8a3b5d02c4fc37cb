// The state of a runtime alone, and through the runtime that goes by it.
import { agent, createRuntime, request, StoppedError } from 'ringreeve'
import { describe, expect, it } from 'vitest'
import { type RunEvent, RunState, runTable } from '#ringreeve/coordinator/run-state.js'
import { goesByItsDrawing } from './pairs.js'

const Ask = request<number, number>('ask')
const asked = agent('asked').on(Ask, number => number + 1)

function stateAfter(...events: RunEvent[]): RunState {
  const state = new RunState()
  for (const event of events) state.to(event)
  return state
}

goesByItsDrawing('run-state.ts', runTable)

describe('the state of a runtime', () => {
  it('has somebody to ask until it is stopped, and again once it has started again', () => {
    for (const events of [[], ['start', 'started'], ['start', 'started', 'stop']] as const) {
      expect(() => stateAfter(...events).checkAlive()).not.toThrow()
    }
    const stopped = stateAfter('start', 'started', 'stop', 'stopped')
    expect(() => stopped.checkAlive()).toThrow(StoppedError)
    expect(() => stopped.checkAlive()).toThrow('the runtime is stopped')
    stopped.to('start')
    expect(() => stopped.checkAlive()).toThrow('the runtime is starting')
    stopped.to('started')
    expect(() => stopped.checkAlive()).not.toThrow()
  })

  it('says why it ended by itself', () => {
    const state = stateAfter('start', 'started', 'stop', 'stopped')
    const error = new Error('too many zombies')
    state.ownEnd = { error, why: 'it failed: too many zombies', told: false }
    expect(() => state.checkAlive()).toThrow(
      expect.objectContaining({ message: 'the runtime is stopped, because it failed: too many zombies', cause: error }),
    )
  })
})

describe('a runtime', () => {
  it('takes start, stop and close in any order, at once', async () => {
    const runtime = await createRuntime({ agents: [asked] })
    const stopped = runtime.stop()
    const started = runtime.start()
    expect(runtime.running).toBe(false)
    await Promise.all([stopped, started])
    expect(await runtime.send(Ask, 1, 'asked/x')).toBe(2)
    await expect(runtime.start()).rejects.toThrow('the runtime is running already')
    const all = [runtime.stop(), runtime.close()]
    const late = runtime.start()
    await Promise.all([...all, expect(late).rejects.toThrow(StoppedError)])
    await runtime.close()
    await expect(runtime.idle()).rejects.toThrow('the runtime is closed')
  })

  it('that is closed while it starts again is closed', async () => {
    const runtime = await createRuntime({ agents: [asked] })
    await runtime.stop()
    const all = [runtime.start(), runtime.close(), runtime.close()]
    await Promise.all(all)
    await expect(runtime.start()).rejects.toThrow(StoppedError)
    expect(runtime.running).toBe(false)
  })

  it('that was never started is stopped, and starts', async () => {
    const runtime = await createRuntime({ agents: [asked], autoStart: false })
    const answer = runtime.send(Ask, 1, 'asked/x')
    expect(await runtime.processNext()).toBe(true)
    expect(await answer).toBe(2)
    await runtime.stop()
    await expect(runtime.processNext()).rejects.toThrow('not started')
    await runtime.start()
    expect(await runtime.send(Ask, 2, 'asked/x')).toBe(3)
    await runtime.close()
  })

  it('that has stopped takes no order for any agent, on whatever loop; an agent has stopped with it', async () => {
    const runtime = await createRuntime({ agents: [asked], threads: 1 })
    const handle = runtime.handle(asked, 'x')
    await handle.loadState({})
    await runtime.stop()
    for (const order of [handle.loadState({}), handle.saveState(), handle.pause(), handle.resume()]) {
      await expect(order).rejects.toThrow(StoppedError)
    }
    await expect(runtime.get('asked/x', { lazy: false })).rejects.toThrow(StoppedError)
    await handle.stop()
    await handle.stop({ drain: false })
    expect(runtime.stats().loops[0]?.agents).toBe(0)
    await runtime.close()
  })

  it('saves nothing of a run that was stopped while it waited for quiet, though the next one runs', async () => {
    let begun!: (go: () => void) => void
    const begins = new Promise<() => void>(resolve => {
      begun = resolve
    })
    const slow = agent('slow').on(Ask, () => new Promise<number>(resolve => begun(() => resolve(1))))
    const runtime = await createRuntime({ agents: [slow] })
    const answer = runtime.send(Ask, 1, 'slow/x')
    answer.catch(() => {})
    const go = await begins
    const saved = runtime.saveState()
    const second = runtime.saveState()
    const refused = Promise.all([saved, second].map(one => expect(one).rejects.toThrow(StoppedError)))
    await runtime.stop({ drain: false, timeout: 50 })
    await runtime.start()
    await refused
    go()
    expect(await runtime.saveState()).toEqual({ version: 1, types: {} })
    await runtime.close()
  })
})
