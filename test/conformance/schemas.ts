// Messages whose schemas say what no schema should.
import { agent, event, request } from 'ringreeve'

const says = (result: () => unknown) => ({
  '~standard': { version: 1 as const, vendor: 'test', validate: result as never },
})

export const nonsense: readonly [name: string, returned: unknown, said: string][] = [
  ['nothing', undefined, 'returned undefined'],
  ['null', null, 'returned null'],
  ['text', 'text', 'returned "text"'],
  ['fields', { data: 1, ok: true }, 'returned an object with data, ok'],
  ['list', { issues: 'abc' }, 'returned issues that are "abc"'],
  ['hole', { issues: [null] }, 'returned an issue that is null'],
]
export const payloads = nonsense.map(([name, result]) => request(`in-${name}`, { input: says(() => result) }))
export const late = nonsense.map(([name, result]) => request(`late-${name}`, { input: says(async () => result) }))
export const answers = nonsense.map(([name, result]) => request(`out-${name}`, { output: says(() => result) }))
export const events = nonsense.map(([name, result]) => event(`event-${name}`, { payload: says(() => result) }))

export const Odd = request('odd', {
  input: says(() => ({
    issues: [
      { message: 'first', path: [null, { key: Symbol('s') }, { key: 'k' }, 3] },
      { message: undefined, path: 'no list' },
      { message: 'third' },
    ],
  })),
})
export const Silent = request('silent', { input: says(() => ({ issues: [] })) })

let all = agent('schooled')
  .on(Odd, () => {})
  .on(Silent, () => {})
for (const message of [...payloads, ...late, ...answers]) all = all.on(message as never, (() => 1) as never)
export const schooled = all
