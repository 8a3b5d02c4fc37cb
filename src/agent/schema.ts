// Standard Schema at the edge of the runtime: one call, one error that names the field.
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { shown } from './check.js'
import { Late, later } from './edge.js'
import { InvalidArgumentError, textOf, ValidationError } from './errors.js'

function path(keys: unknown): string {
  if (!Array.isArray(keys)) return ''
  return keys
    .map((part: unknown) => (typeof part === 'object' && part !== null ? (part as { key?: unknown }).key : part))
    .map(key => (typeof key === 'number' ? `[${key}]` : `.${textOf(key)}`))
    .join('')
    .replace(/^\./, '')
}

/** What a schema said, which may be anything. @throws ValidationError; InvalidArgumentError for what is no result of a schema */
function outcome(result: unknown, what: string, agent: string | undefined, message: string): unknown {
  const of = `${what} of '${message}'${agent ? ` for ${agent}` : ''}`
  if (typeof result !== 'object' || result === null) throw noResult(of, shown(result), agent, message)
  const { issues } = result as { readonly issues?: unknown }
  if (issues === undefined || issues === null) {
    if ('value' in result) return result.value
    throw noResult(of, shown(result), agent, message)
  }
  if (!Array.isArray(issues)) throw noResult(of, `issues that are ${shown(issues)}`, agent, message)
  const told = issues.map((issue: unknown) => {
    if (typeof issue !== 'object' || issue === null)
      throw noResult(of, `an issue that is ${shown(issue)}`, agent, message)
    const { path: keys, message: text } = issue as { readonly path?: unknown; readonly message?: unknown }
    return { path: path(keys), message: textOf(text) }
  })
  const list = told.map(issue => (issue.path === '' ? issue.message : `${issue.path}: ${issue.message}`)).join('; ')
  throw new ValidationError(`${of} is not valid: ${list || 'its schema does not say why'}`, told, { agent, message })
}

function noResult(of: string, got: string, agent: string | undefined, message: string): InvalidArgumentError {
  const text = `the schema of the ${of} returned ${got}; a Standard Schema returns { value } or { issues: [{ message }] }`
  return new InvalidArgumentError(text, { agent, message })
}

/**
 * Checks a value and returns what the schema makes of it; a {@link Late} only if the schema itself is asynchronous.
 * @throws ValidationError, InvalidArgumentError
 */
export function validate(
  schema: StandardSchemaV1 | undefined,
  value: unknown,
  what: 'payload' | 'answer',
  agent: string | undefined,
  message: string,
): unknown {
  if (schema === undefined) return value
  const result = schema['~standard'].validate(value)
  const late = later(result)
  if (late === undefined) return outcome(result, what, agent, message)
  return new Late(late.then(checked => outcome(checked, what, agent, message)))
}
