// Promised: what is sent to a runtime while it starts again waits until it is there.
import { expect, it } from 'vitest'
import { onEveryEngine, open } from './engines.js'
import * as kit from './kit.js'

onEveryEngine('a runtime that starts again', engine => {
  it('has what is sent meanwhile wait until it is there', async () => {
    await using runtime = await open(engine)
    expect(await runtime.send(kit.Echo, 1, 'echo/x')).toBe(1)
    await runtime.stop()
    const started = runtime.start()
    await new Promise(resolve => setImmediate(resolve)) // the run before is forgotten by now
    const sent = runtime.send(kit.Echo, 2, 'echo/x')
    const published = runtime.publish(kit.Note, 'early', { topic: 'waits/x' })
    await started
    expect(await sent).toBe(2)
    await published
    await runtime.idle()
    expect(await runtime.send(kit.Notes, undefined, 'waits/x')).toEqual(['early'])
  })
})
