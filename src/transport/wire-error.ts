// Errors as their parts. What was thrown on one thread is thrown again on another with its name, message, code, cause, own fields
// (also those that are not enumerable, as a schema library's `issues`) and stack; built-in errors and those of the runtime come
// back as instances of their own classes. What it keeps: an error may be made by anybody, in another realm, with getters that
// throw; taking it apart never fails.
import { types } from 'node:util'
import * as catalogue from '../agent/errors.js'

/** An own field of an error: its key, its value, and whether it is not enumerable. */
export type ErrorField = readonly [key: string, value: unknown, hidden: boolean]

/** What an error says of itself. */
export interface ErrorParts {
  /** The built-in class that it is an instance of. */
  readonly base: string
  /** Class of a runtime error; undefined for others. */
  readonly own: string | undefined
  readonly name: string
  readonly message: string
  readonly stack: string
  readonly fields: readonly ErrorField[]
}

/** An error as plain data: like its parts, with fields that can be cloned. */
export type WireError = ErrorParts

const builtIn: ReadonlyMap<string, ErrorConstructor> = new Map(
  [TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError].map(type => [type.name, type]),
)
const classes: Readonly<Record<string, unknown>> = catalogue
const reserved = new Set(['name', 'message', 'stack', '__proto__', 'constructor', 'prototype'])
const DOM = 'DOMException'
const MAX_CAUSES = 16

/** Whether a value is an error, of any realm. */
export function isError(value: unknown): value is Error {
  return types.isNativeError(value) || value instanceof Error
}

/** Takes an error apart. */
export function errorParts(error: Error): ErrorParts {
  const name = text(error, 'name', 'Error')
  const message = text(error, 'message', '')
  return {
    base: baseOf(error),
    own: ownOf(error),
    name,
    message,
    stack: text(error, 'stack', `${name}: ${message}`),
    fields: fieldsOf(error),
  }
}

function fieldsOf(error: Error): ErrorField[] {
  const fields: ErrorField[] = []
  for (const key of attempt(() => Object.getOwnPropertyNames(error), [])) {
    if (reserved.has(key)) continue
    const hidden = attempt(() => !Object.prototype.propertyIsEnumerable.call(error, key), true)
    const value = part(error, key)
    // what stands for a method of every error would be called as one
    if (typeof value === 'function' && (hidden || key in Error.prototype)) continue
    if (!(hidden && value === undefined)) fields.push([key, value, hidden])
  }
  const has = (key: string): boolean => fields.some(([known]) => known === key)
  if (!has('cause') && attempt(() => 'cause' in error, false)) fields.push(['cause', part(error, 'cause'), true])
  // of a DOMException, such as what an aborted signal throws, it stands in the prototype
  const code = part(error, 'code')
  if (!has('code') && (typeof code === 'string' || typeof code === 'number')) fields.push(['code', code, false])
  return fields
}

function baseOf(error: Error): string {
  return attempt(() => {
    for (let at: unknown = Object.getPrototypeOf(error); at !== null; at = Object.getPrototypeOf(at)) {
      const type: unknown = Object.getOwnPropertyDescriptor(at, 'constructor')?.value
      if (typeof type !== 'function') continue
      if (type.name === 'AggregateError' || type.name === DOM || builtIn.has(type.name)) return type.name
    }
    return 'Error'
  }, 'Error')
}

function ownOf(error: Error): string | undefined {
  const brand = attempt(() => (error as { [catalogue.errorBrand]?: unknown })[catalogue.errorBrand], undefined)
  return typeof brand === 'string' ? brand : undefined
}

function part(error: Error, key: string): unknown {
  return attempt(() => (error as unknown as Record<string, unknown>)[key], undefined)
}

function text(error: Error, key: string, otherwise: string): string {
  return attempt(() => String(part(error, key) ?? otherwise), otherwise)
}

function attempt<T>(read: () => T, otherwise: T): T {
  try {
    return read()
  } catch {
    return otherwise // a getter that throws, a proxy that was revoked
  }
}

/** What is said in place of a part that cannot be sent. */
export function cannotCross(part: unknown): string {
  return `[${typeof part} that cannot cross threads]`
}

/** The values of a list; undefined for what is none, or has gaps. */
export function listOf(part: unknown): readonly unknown[] | undefined {
  return attempt(() => {
    if (!Array.isArray(part) || Object.keys(part).length < part.length) return undefined
    return Array.from({ length: part.length }, (_, i) => part[i] as unknown)
  }, undefined)
}

/** What an error says of itself, as plain data. @param carries whether a part can be cloned; what cannot is named instead */
export function errorToWire(
  error: Error,
  carries: (part: unknown) => boolean,
  above: readonly Error[] = [],
): WireError {
  const path = [...above, error]
  const safe = (part: unknown): unknown => {
    if (isError(part)) {
      return path.length <= MAX_CAUSES && !path.includes(part)
        ? errorFromWire(cloneable(errorToWire(part, carries, path)))
        : attempt(() => String(part), 'an error')
    }
    const list = listOf(part)
    if (list?.some(isError)) return list.map(safe)
    if (carries(part)) return part
    return list?.map(one => (isError(one) || carries(one) ? safe(one) : cannotCross(one))) ?? cannotCross(part)
  }
  const parts = errorParts(error)
  return { ...parts, fields: parts.fields.map(([key, value, hidden]) => [key, safe(value), hidden]) }
}

/** As a part of another one, it is cloned: a DOMException would lose all that it says. */
function cloneable(wire: WireError): WireError {
  return wire.base === DOM ? { ...wire, base: 'Error' } : wire
}

/** The error again. */
export function errorFromWire(wire: WireError): Error {
  const error = emptyError(wire)
  for (const [key, value, hidden] of wire.fields) setField(error, key, value, hidden)
  return error
}

const hiddenField = (value: unknown): PropertyDescriptor => ({
  value,
  writable: true,
  configurable: true,
  enumerable: false,
})

/** An error of these parts, without its fields. */
export function emptyError({ base, own, name, message, stack }: Omit<ErrorParts, 'fields'>): Error {
  const error = blank(base, name, message)
  if (error.name !== name) Object.defineProperty(error, 'name', hiddenField(name))
  Object.defineProperty(error, 'stack', hiddenField(stack))
  if (own !== undefined) {
    const type = Object.hasOwn(classes, own) ? classes[own] : undefined
    if (typeof type === 'function') Object.setPrototypeOf(error, type.prototype as object)
    Object.defineProperty(error, catalogue.errorBrand, { value: own, enumerable: false })
  }
  return error
}

function blank(base: string, name: string, message: string): Error {
  if (base === 'AggregateError') return new AggregateError([], message)
  if (base === DOM) return new DOMException(message, name)
  return new (builtIn.get(base) ?? Error)(message)
}

/** Gives an error one of its fields. */
export function setField(error: Error, key: string, value: unknown, hidden: boolean): void {
  if (key === 'code' && part(error, key) === value) return // a DOMException has it by its name
  if (!reserved.has(key)) Object.defineProperty(error, key, { ...hiddenField(value), enumerable: !hidden })
}
