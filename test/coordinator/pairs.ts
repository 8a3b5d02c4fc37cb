// Holds a state machine against the table that its file draws, for all pairs of a state and an event: what the drawing
// leaves empty is refused, and the state stays.
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { Stages, type Table } from '#ringreeve/coordinator/stages.js'

/** The drawing as rows: for each state and event the next state, or '' if there is none. */
function drawnIn(file: string): readonly { readonly state: string; readonly event: string; readonly next: string }[] {
  const text = readFileSync(new URL(`../../../src/coordinator/${file}`, import.meta.url), 'utf8')
  const lines = text.split('\n').filter(line => /^\/\/ {3}.*\|/.test(line))
  const [head, ...rows] = lines.map(line =>
    line
      .slice(2)
      .split('|')
      .map(cell => cell.trim()),
  )
  const [, ...events] = head as string[]
  return rows
    .filter(row => !row[0]?.startsWith('--'))
    .flatMap(([state, ...cells]) =>
      events.map((event, at) => ({ state: state as string, event, next: (cells[at] ?? '').split(',')[0] as string })),
    )
}

/** One test over all pairs. */
export function goesByItsDrawing<S extends string, E extends string>(file: string, table: Table<S, E>): void {
  it(`goes by the table drawn in ${file}, and refuses all else`, () => {
    const drawn = drawnIn(file)
    expect([...new Set(drawn.map(({ state }) => state))]).toEqual(Object.keys(table))
    const known = new Set(drawn.map(({ event }) => event))
    for (const events of Object.values<object>(table))
      for (const event of Object.keys(events)) expect(known).toContain(event)
    for (const { state, event, next } of drawn) {
      const stages = new Stages<S, E>('it', table, state as S)
      if (next === '') {
        expect(() => stages.to(event as E), `${state} × ${event}`).toThrow(
          `it: '${event}' cannot happen while it is '${state}'`,
        )
      } else expect(stages.to(event as E), `${state} × ${event}`).toBe(next)
      expect(stages.now).toBe(next === '' ? state : next)
    }
  })
}
