// A schema is the application's own, and may say anything: what is no result of a schema is told as that, with the message and the agent.
import { expect, it } from 'vitest'
import { failure, onEveryEngine, shared } from './engines.js'
import * as kit from './schemas.js'

const agents = [new URL('./schemas.js', import.meta.url)]

onEveryEngine('a schema that returns what no schema does', engine => {
  for (const [i, [name, , said]] of kit.nonsense.entries())
    it(`is told so: ${name}`, async () => {
      const runtime = await shared(engine, { agents })
      const cases = [
        [kit.payloads[i], `payload of 'in-${name}'`],
        [kit.late[i], `payload of 'late-${name}'`],
        [kit.answers[i], `answer of 'out-${name}'`],
      ] as const
      for (const [message, of] of cases) {
        const error = await failure(runtime.send(message as never, 1 as never, 'schooled/x'))
        expect(error).toMatchObject({ name: 'InvalidArgumentError', agent: 'schooled/x', messageType: message?.name })
        expect(error.message).toContain(`the schema of the ${of} for schooled/x ${said}; a Standard Schema returns`)
      }
      const error = await failure(runtime.publish(kit.events[i] as never, 1 as never))
      expect(error.message).toContain(`the schema of the payload of 'event-${name}' ${said}; `)
    })

  it('is read where it can be: odd paths, messages that are none, no issues', async () => {
    const runtime = await shared(engine, { agents })
    const odd = await failure(runtime.send(kit.Odd, 1 as never, 'schooled/x'))
    expect(odd).toMatchObject({ name: 'ValidationError', agent: 'schooled/x' })
    expect(odd.message).toBe(
      "payload of 'odd' for schooled/x is not valid: null.Symbol(s).k[3]: first; undefined; third",
    )
    const silent = await failure(runtime.send(kit.Silent, 1 as never, 'schooled/x'))
    expect(silent.message).toBe("payload of 'silent' for schooled/x is not valid: its schema does not say why")
  })
})
