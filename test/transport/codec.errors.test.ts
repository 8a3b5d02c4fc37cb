// Errors on the wire: they come back with name, message, stack, code, cause and fields, as instances of their own class
// where it is known here; whatever they hold, a thread that sends one is never stuck on it.
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as catalogue from '#ringreeve/agent/errors.js'
import { knots } from './knots.js'
import { binaries, catalogued, plain } from './values.js'
import { Wire } from './wire.js'

const wire = new Wire()
const classes: Readonly<Record<string, unknown>> = catalogue

function through<T>(error: T): T & Record<string, unknown> {
  return wire.through(error) as T & Record<string, unknown>
}

const builtIn = [Error, TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError]

describe('an error', () => {
  it('comes back with all that it says', () => {
    const field = fc.tuple(fc.constantFrom('code', 'status', 'detail', 'agent', 'errno'), plain)
    const any = fc.record({
      type: fc.constantFrom(...builtIn),
      message: fc.string({ unit: 'binary' }),
      name: fc.option(fc.string({ unit: 'binary' }), { nil: undefined }),
      cause: fc.option(plain, { nil: undefined }),
      fields: fc.array(field, { maxLength: 4 }),
    })
    fc.assert(
      fc.property(any, ({ type, message, name, cause, fields }) => {
        const error = new type(message, cause === undefined ? undefined : { cause })
        if (name !== undefined) error.name = name
        Object.assign(error, Object.fromEntries(fields))
        const back = through(error)
        expect(back).toBeInstanceOf(Error)
        if (name === undefined) expect(back).toBeInstanceOf(type)
        expect([back.name, back.message, back.stack]).toEqual([error.name, error.message, error.stack])
        expect('cause' in back).toBe('cause' in error)
        expect(back.cause).toStrictEqual(error.cause)
        for (const [key] of fields) expect(back[key]).toStrictEqual((error as unknown as Record<string, unknown>)[key])
      }),
      { numRuns: 500 },
    )
  })

  it('keeps its chain of causes and the errors of an AggregateError', () => {
    const deep = new Error('top', {
      cause: new TypeError('middle', { cause: Object.assign(new Error('root'), { code: 'E' }) }),
    })
    const back = through(new AggregateError([deep, 'text', new RangeError('two')], 'all'))
    expect(back).toBeInstanceOf(AggregateError)
    const [first, second, third] = back.errors as [Error, string, Error]
    expect(first.cause).toBeInstanceOf(TypeError)
    expect((first.cause as Error).cause).toMatchObject({ message: 'root', code: 'E' })
    expect([second, third.message]).toEqual(['text', 'two'])
    expect(third).toBeInstanceOf(RangeError)
  })

  it('keeps a code that stands in its prototype', () => {
    const { reason } = AbortSignal.abort()
    expect(through(reason)).toMatchObject({ name: 'AbortError', code: reason.code, message: reason.message })
  })

  it('may have any name', () => {
    for (const name of ['constructor', 'toString', '__proto__', 'hasOwnProperty', 'AggregateError', 'AbortError', '']) {
      const back = through(Object.assign(new Error('m'), { name }))
      expect(back, name).toBeInstanceOf(Error)
      expect([back.name, back.message]).toEqual([name, 'm'])
    }
  })

  it('names what cannot cross, and keeps the rest', () => {
    const error = Object.assign(new Error('m'), {
      request: Promise.resolve(),
      call: () => {},
      code: 'E',
      bytes: new Uint8Array([1, 2]),
    })
    const back = through(error)
    expect(back.code).toBe('E')
    expect(back.bytes).toStrictEqual(new Uint8Array([1, 2]))
    expect([back.request, back.call]).toEqual([
      '[object that cannot cross threads]',
      '[function that cannot cross threads]',
    ])
  })

  it('names it however deep it stands, and keeps its class and code', () => {
    let deep: unknown = () => {}
    for (let i = 0; i < 150; i++) deep = { deep }
    const back = through(Object.assign(new TypeError('bad'), { code: 'E_X', deep, well: 1 }))
    expect(back).toBeInstanceOf(TypeError)
    expect(back).toMatchObject({ message: 'bad', code: 'E_X', well: 1, deep: expect.anything() })
  })

  it('keeps own fields that are not enumerable, and errors of its own, whatever class it is of', () => {
    const error = new (class SchemaError extends TypeError {})('m')
    Object.defineProperty(error, 'issues', { value: [{ path: ['a'] }], enumerable: false })
    Object.defineProperty(error, 'toString', { value: () => 'x', enumerable: false })
    Object.assign(error, { errors: [new RangeError('one')] })
    const back = through(error)
    expect(back).toBeInstanceOf(TypeError)
    expect([back.issues, Object.keys(back), String(back)]).toEqual([[{ path: ['a'] }], ['errors'], 'TypeError: m'])
    expect((back.errors as Error[])[0]).toBeInstanceOf(RangeError)
  })

  it('is sent also when it cannot be looked at', () => {
    const error = new Error('m')
    for (const key of ['stack', 'message', 'cause', 'code', 'detail']) {
      Object.defineProperty(error, key, {
        enumerable: true,
        get: () => {
          throw new Error('no')
        },
      })
    }
    expect(through({ error }).error).toBeInstanceOf(Error)
  })

  it('keeps its binary fields in memory of its own', () => {
    const [first, second] = [1, 2].map(n =>
      through(Object.assign(new Error('m'), { bytes: new Uint8Array(8).fill(n) })),
    )
    expect(first?.bytes).toStrictEqual(new Uint8Array(8).fill(1))
    expect(second?.bytes).toStrictEqual(new Uint8Array(8).fill(2))
    expect(binaries(first?.bytes)[0]?.buffer).not.toBe(binaries(second?.bytes)[0]?.buffer)
  })

  it('is an error wherever it stands in a value', () => {
    const back = through({ list: [new TypeError('a')], map: new Map([['k', new Error('b')]]) })
    expect(back.list[0]).toBeInstanceOf(TypeError)
    expect(back.map.get('k')).toMatchObject({ message: 'b' })
  })
})

describe('an error of the catalogue', () => {
  for (const error of catalogued()) {
    it(`comes back as an instance of its class: ${error.name}`, () => {
      const back = through(error)
      const type = classes[error.name] as typeof catalogue.RingreeveError
      expect(back).toBeInstanceOf(type)
      expect(back).toBeInstanceOf(catalogue.RingreeveError)
      expect(Object.getPrototypeOf(back)).toBe(type.prototype)
      expect({ ...back }).toEqual({ ...error })
      expect([back.name, back.message, back.stack]).toEqual([error.name, error.message, error.stack])
      expect((back.cause as Error | undefined)?.message).toBe((error.cause as Error | undefined)?.message)
      expect(through(back)).toBeInstanceOf(type) // and once more, from thread to thread
    })
  }

  it('is told apart from the others', () => {
    const back = through(new catalogue.DeadlineError('late'))
    expect(back).not.toBeInstanceOf(catalogue.CancelledError)
  })

  it('of a class that is not in the catalogue is still one of ours', () => {
    class Own extends catalogue.RingreeveError {}
    const back = through(new Own('ERR_OWN', 'own'))
    expect(back).toBeInstanceOf(catalogue.RingreeveError)
    expect([back.name, back.code]).toEqual(['Own', 'ERR_OWN'])
  })
})

describe('an error that leads back to itself', () => {
  for (const what of Object.keys(knots)) {
    it(`is sent all the same, in a few bytes: ${what}`, async () => {
      const worker = new Worker(new URL('./codec-worker.js', import.meta.url), { workerData: what })
      const limit = new AbortController()
      const timer = setTimeout(() => limit.abort(), 10_000)
      try {
        const [report] = (await once(worker, 'message', { signal: limit.signal })) as [
          { message: string; bytes: number },
        ]
        expect(report.message).toBe('knot')
        expect(report.bytes).toBeLessThan(500_000)
      } finally {
        clearTimeout(timer)
        await worker.terminate()
      }
    })
  }
})
