// Errors that lead back to themselves or share parts: real ones do, by way of requests, responses and contexts.
type Loose = Error & Record<string, unknown>
const named = (message: string): Loose => new Error(message) as Loose

export const knots: Readonly<Record<string, () => Error>> = {
  'its own cause': () => {
    const error = named('knot')
    error.cause = error
    return error
  },
  'itself inside a field': () => {
    const error = named('knot')
    error['context'] = { error }
    return error
  },
  'itself inside a list and a Map': () => {
    const error = named('knot')
    error['list'] = [1, error]
    error['map'] = new Map([['error', error]])
    return error
  },
  'two errors that name each other twice': () => {
    const error = named('knot')
    const other = named('other')
    Object.assign(error, { a: other, b: other, c: other })
    Object.assign(other, { a: error, b: error, c: error })
    return error
  },
  'an AggregateError whose errors name it': () => {
    const errors = Array.from({ length: 10 }, (_, i) => named(`part ${i}`))
    const error = new AggregateError(errors, 'knot')
    for (const one of errors) one['parent'] = error
    return error
  },
  'forty contexts deep': () => {
    let error = named('knot')
    for (let i = 0; i < 40; i++) {
      const outer = named('knot')
      outer['context'] = { error }
      error = outer
    }
    return error
  },
  'forty causes deep': () => {
    let error = named('knot')
    for (let i = 0; i < 40; i++) error = new Error('knot', { cause: error }) as Loose
    return error
  },
}
