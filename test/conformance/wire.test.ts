// What a message is, wherever it goes: a kind and a name, an address, and a value that arrives as it was.
import { expect, it } from 'vitest'
import { failure, onEveryEngine, shared } from './engines.js'
import * as kit from './wire-agents.js'

const agents = [new URL('./wire-agents.js', import.meta.url)]

onEveryEngine('a request and an event of one name', engine => {
  it('are two messages: neither runs the other’s handler', async () => {
    const runtime = await shared(engine, { agents })
    await runtime.publish(kit.Ordered, undefined, { topic: 'orders/x' })
    await runtime.idle()
    const error = await failure(runtime.send(kit.Order, 1, 'scribe/x'))
    expect(error.code).toBe('ERR_RINGREEVE_NO_HANDLER')
    expect(error.message).toContain('it handles: got, order (event)')
    expect(await runtime.send(kit.Order, 1, 'foreman/x')).toBe('answer')
    expect(await runtime.send(kit.Got, undefined, 'clerk/x')).toEqual([])
    expect(await runtime.send(kit.Got, undefined, 'scribe/x')).toEqual(['told'])
    expect(await runtime.send(kit.Got, undefined, 'foreman/x')).toEqual(['told', 'asked'])
  })
})
