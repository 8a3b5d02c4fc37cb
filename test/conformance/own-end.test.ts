// Promised: a runtime that ends by itself says why: to who runs it, also when that is later, and to all that is dropped by it.
import { StoppedError } from 'ringreeve'
import { expect, it } from 'vitest'
import { failure, flag, onEveryEngine, open } from './engines.js'
import * as lives from './lives.js'

const agents = { agents: [new URL('./lives.js', import.meta.url)] }

onEveryEngine('a runtime that ends by itself', engine => {
  /** One that did, and the warnings that came of it. */
  async function ended() {
    const warnings: string[] = []
    const warned = (warning: Error & { code?: string }) => void warnings.push(`${warning.code} ${warning.message}`)
    process.on('warning', warned)
    const runtime = await open(engine, agents)
    await runtime.send(lives.Give, { stopped: flag() }, 'fatal/x')
    await runtime.send(lives.Fail, { how: 'a' }, 'fatal/x')
    while (runtime.running) await new Promise(resolve => setImmediate(resolve))
    const dropped = await failure(runtime.send(lives.Look, undefined, 'full/x'))
    await runtime.stop()
    await new Promise(resolve => setImmediate(resolve))
    process.off('warning', warned)
    return { runtime, warnings, dropped }
  }

  it('tells run(), which is called later, once, and then starts it', async () => {
    const { runtime } = await ended()
    const [one, other] = await Promise.all([failure(runtime.run()), failure(runtime.run())])
    expect([one.message, other.message]).toEqual(['loop a failed', 'loop a failed'])
    expect(runtime.running).toBe(false)
    const ran = runtime.run()
    await runtime.send(lives.Look, undefined, 'full/x') // it is there again
    await runtime.close()
    await ran
  })

  it('tells run() also when it is closed, and no run() when it was started since', async () => {
    const { runtime } = await ended()
    await runtime.close()
    expect((await failure(runtime.run())).message).toBe('loop a failed')
    expect(await failure(runtime.run())).toBeInstanceOf(StoppedError)
    const { runtime: again } = await ended()
    await again.start()
    const ran = again.run()
    await again.close()
    await ran
  })

  it('says so where nobody listens, and to all who are told that it has stopped', async () => {
    const { runtime, warnings, dropped } = await ended()
    const why = /fatal\/x failed, and its onError is 'stop-runtime': .*a/
    expect(warnings.filter(text => text.startsWith('RINGREEVE_STOP') && why.test(text)).length).toBe(1)
    for (const error of [
      dropped,
      await failure(runtime.idle()),
      await failure(runtime.send(lives.Look, undefined, 'full/x')),
    ]) {
      expect(error).toBeInstanceOf(StoppedError)
      expect(error.message).toMatch(why)
      expect(error.cause).toMatchObject({ message: 'loop a failed' })
    }
    await runtime.close()
    expect((await failure(runtime.send(lives.Look, undefined, 'full/x'))).cause).toMatchObject({
      message: 'loop a failed',
    })
  })
})
