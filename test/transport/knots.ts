// Errors that lead back to themselves or share parts: real ones do, by way of requests, responses and contexts.
const named = (message: string): Error => new Error(message)

export const knots: Readonly<Record<string, () => Error>> = {
  'its own cause': () => {
    const error = named('knot')
    error.cause = error
    return error
  },
  'itself inside a field': () => {
    const error = named('knot')
    return Object.assign(error, { context: { error } })
  },
  'itself inside a list and a Map': () => {
    const error = named('knot')
    return Object.assign(error, { list: [1, error], map: new Map([['error', error]]) })
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
    for (const one of errors) Object.assign(one, { parent: error })
    return error
  },
  'forty contexts deep': () => {
    let error = named('knot')
    for (let i = 0; i < 40; i++) {
      error = Object.assign(named('knot'), { context: { error } })
    }
    return error
  },
  'forty causes deep': () => {
    let error = named('knot')
    for (let i = 0; i < 40; i++) error = new Error('knot', { cause: error })
    return error
  },
}
