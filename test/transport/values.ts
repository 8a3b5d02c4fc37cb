// Arbitrary plain values for the codec, and the errors of the catalogue, one of each class.
import fc from 'fast-check'
import * as catalogue from '#ringreeve/agent/errors.js'

const numbers = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.constantFrom(
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    2 ** 53,
    -(2 ** 63),
    2 ** 32,
    Number.MIN_VALUE,
  ),
)
const bigints = fc.oneof(
  fc.bigInt({ min: -(2n ** 80n), max: 2n ** 80n }),
  fc.constantFrom(0n, -1n, 2n ** 64n, -(10n ** 400n)),
)
const strings = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme', maxLength: 300 }))
const keys = strings.filter(key => key !== '__proto__')
const bytes = fc.uint8Array({ maxLength: 100 })

/** Views of every class, also of part of a buffer. */
const views: fc.Arbitrary<ArrayBufferView> = fc.oneof(
  bytes,
  bytes.map(view => view.subarray(view.length >> 1)),
  fc.int8Array(),
  fc.uint8ClampedArray(),
  fc.int16Array(),
  fc.uint16Array(),
  fc.int32Array(),
  fc.uint32Array(),
  fc.float32Array(),
  fc.float64Array(),
  fc.array(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })).map(all => BigInt64Array.from(all)),
  fc.array(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })).map(all => BigUint64Array.from(all)),
  fc.float64Array({ minLength: 2 }).map(view => view.subarray(1)),
  bytes.map(view => new DataView(view.buffer, view.byteOffset + (view.byteLength >> 1))),
)

/** Any value that is plain data, except half surrogates and `undefined` in a list. */
export const { plain } = fc.letrec<{ plain: unknown; leaf: unknown; key: unknown }>(tie => ({
  leaf: fc.oneof(
    { weight: 3, arbitrary: numbers },
    { weight: 3, arbitrary: strings },
    { weight: 2, arbitrary: fc.constantFrom(null, true, false) },
    { weight: 1, arbitrary: bigints },
    { weight: 1, arbitrary: fc.date({ noInvalidDate: true }) },
    { weight: 1, arbitrary: views },
    { weight: 1, arbitrary: bytes.map(view => view.slice().buffer) },
  ),
  key: fc.oneof(numbers, strings, bigints),
  plain: fc.oneof(
    { maxDepth: 4, depthSize: 'small', withCrossShrink: true },
    tie('leaf'),
    fc.array(tie('plain'), { maxLength: 8 }),
    fc.dictionary(keys, tie('plain'), { maxKeys: 8, noNullPrototype: true }),
    fc.array(fc.tuple(tie('key'), tie('plain')), { maxLength: 6 }).map(entries => new Map(entries)),
    fc.array(tie('key'), { maxLength: 6 }).map(members => new Set(members)),
  ),
}))

/** One error of each class of the catalogue, with all that it can carry. */
export function catalogued(): catalogue.RingreeveError[] {
  const details = { agent: 'a/1', message: 'm', thread: 3, cause: new RangeError('beneath', { cause: 'root' }) }
  return [
    new catalogue.RingreeveError('ERR_BASE', 'base', true, details),
    new catalogue.InvalidNameError('name'),
    new catalogue.InvalidArgumentError('argument', details),
    new catalogue.ValidationError('validation', [{ path: 'a.b', message: 'no' }], details),
    new catalogue.UnknownAgentError('unknown', details),
    new catalogue.NoHandlerError('handler', details),
    new catalogue.AgentCreationError('creation', details),
    new catalogue.CallCycleError('cycle', ['a/1', 'b/2'], details),
    new catalogue.CancelledError('cancelled', details),
    new catalogue.DeadlineError('deadline', details),
    new catalogue.OverloadedError('overloaded', details),
    new catalogue.MessageDroppedError('dropped', details),
    new catalogue.ThreadLostError('lost', true, details),
    new catalogue.StoppedError('stopped', details),
    new catalogue.NotSerializableError('serializable', details),
    new catalogue.AlreadyExistsError('exists', details),
    new catalogue.UnknownSubscriptionError('subscription'),
    new catalogue.StateError('state', details),
    new catalogue.ModuleError('module', details),
    new catalogue.TimeoutError('timeout', details),
  ]
}

/** Every view and buffer inside a value. */
export function binaries(
  value: unknown,
  found: { buffer: ArrayBufferLike; start: number; end: number }[] = [],
): typeof found {
  if (ArrayBuffer.isView(value)) {
    found.push({ buffer: value.buffer, start: value.byteOffset, end: value.byteOffset + value.byteLength })
  } else if (value instanceof ArrayBuffer) found.push({ buffer: value, start: 0, end: value.byteLength })
  else if (Array.isArray(value) || value instanceof Set) for (const one of value) binaries(one, found)
  else if (value instanceof Map) for (const pair of value) binaries(pair, found)
  else if (typeof value === 'object' && value !== null) for (const one of Object.values(value)) binaries(one, found)
  return found
}
