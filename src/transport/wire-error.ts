// Errors as plain data. What was thrown on one thread is thrown again on another with its name, message, code, cause,
// own fields and stack; errors of the runtime come back as instances of their own classes.
import * as catalogue from '../agent/errors.js'

/** An error as plain data. */
export interface WireError {
  readonly name: string
  readonly message: string
  readonly stack: string
  /** Class of a runtime error; undefined for others. */
  readonly own?: string
  readonly cause?: { readonly value: unknown }
  readonly errors?: readonly unknown[]
  readonly fields: Readonly<Record<string, unknown>>
}

const builtIn: ReadonlyMap<string, ErrorConstructor> = new Map(
  [TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError].map(type => [type.name, type]),
)
const classes: Readonly<Record<string, unknown>> = catalogue
const reserved = new Set(['name', 'message', 'stack', 'cause', 'errors', '__proto__', 'constructor', 'prototype'])
const MAX_CAUSES = 16

/** What an error says of itself. @param carries whether a part can be encoded; what cannot is named instead */
export function errorToWire(
  error: Error,
  carries: (part: unknown) => boolean,
  above: readonly Error[] = [],
): WireError {
  const path = [...above, error]
  const safe = (part: unknown): unknown => {
    if (part instanceof Error) {
      return path.length <= MAX_CAUSES && !path.includes(part)
        ? errorFromWire(errorToWire(part, carries, path))
        : String(part)
    }
    return carries(part) ? part : `[${typeof part} that cannot cross threads]`
  }
  const fields: Record<string, unknown> = {}
  for (const key of Object.keys(error)) {
    if (!reserved.has(key)) fields[key] = safe((error as unknown as Record<string, unknown>)[key])
  }
  // of a DOMException, such as what an aborted signal throws, it stands in the prototype
  const { code } = error as { code?: unknown }
  if (!Object.hasOwn(error, 'code') && (typeof code === 'string' || typeof code === 'number')) fields.code = code
  return {
    name: String(error.name),
    message: String(error.message),
    stack: String(error.stack ?? `${error.name}: ${error.message}`),
    ...(error instanceof catalogue.RingreeveError ? { own: error.name } : {}),
    ...('cause' in error ? { cause: { value: safe(error.cause) } } : {}),
    ...(error instanceof AggregateError ? { errors: error.errors.map(safe) } : {}),
    fields,
  }
}

const hidden = (value: unknown): PropertyDescriptor => ({
  value,
  writable: true,
  configurable: true,
  enumerable: false,
})

/** The error again. */
export function errorFromWire(wire: WireError): Error {
  const options = wire.cause === undefined ? undefined : { cause: wire.cause.value }
  const error =
    wire.errors !== undefined
      ? new AggregateError(wire.errors, wire.message, options)
      : new (builtIn.get(wire.name) ?? Error)(wire.message, options)
  if (error.name !== wire.name) Object.defineProperty(error, 'name', hidden(wire.name))
  Object.defineProperty(error, 'stack', hidden(wire.stack))
  for (const [key, value] of Object.entries(wire.fields)) {
    if (!reserved.has(key)) Object.defineProperty(error, key, { ...hidden(value), enumerable: true })
  }
  if (wire.own !== undefined) {
    const own = classes[wire.own]
    if (typeof own === 'function') Object.setPrototypeOf(error, own.prototype as object)
    Object.defineProperty(error, catalogue.errorBrand, { value: wire.own, enumerable: false })
  }
  return error
}
