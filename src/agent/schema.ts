// Standard Schema at the edge of the runtime: one call, one error that names the field.
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { Late, later } from './edge.js'
import { ValidationError } from './errors.js'

function path(issue: StandardSchemaV1.Issue): string {
  const keys = (issue.path ?? []).map(part => (typeof part === 'object' ? part.key : part))
  return keys
    .map(key => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`))
    .join('')
    .replace(/^\./, '')
}

function outcome(result: StandardSchemaV1.Result<unknown>, what: string, agent: string | undefined, message: string) {
  if (result.issues === undefined) return result.value
  const issues = result.issues.map(issue => ({ path: path(issue), message: issue.message }))
  const list = issues.map(issue => (issue.path === '' ? issue.message : `${issue.path}: ${issue.message}`)).join('; ')
  throw new ValidationError(`${what} of '${message}'${agent ? ` for ${agent}` : ''} is not valid: ${list}`, issues, {
    agent,
    message,
  })
}

/**
 * Checks a value and returns what the schema makes of it; a {@link Late} only if the schema itself is asynchronous.
 * @throws ValidationError
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
  const late = later(result) as Promise<StandardSchemaV1.Result<unknown>> | undefined
  if (late === undefined) return outcome(result as StandardSchemaV1.Result<unknown>, what, agent, message)
  return new Late(late.then(checked => outcome(checked, what, agent, message)))
}
