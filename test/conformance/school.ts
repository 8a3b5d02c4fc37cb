// Agents whose messages have schemas and serializers; apart from the kit, because a schema library takes its time to
// load on every thread.
import { agent, event, request } from 'ringreeve'
import { z } from 'zod'

export const Names = request<void, string[]>('names')
export const Square = request('square', {
  input: z.object({ n: z.number(), tags: z.array(z.string()).default([]) }),
  output: z.object({ n: z.number() }),
})
export const WrongAnswer = request('wrong-answer', { input: z.object({}), output: z.object({ n: z.number() }) })
export const Checked = event('checked', { payload: z.object({ who: z.object({ name: z.string() }) }) })
export class Point {
  readonly x: number
  readonly y: number
  constructor(x: number, y: number) {
    this.x = x
    this.y = y
  }
}
const points = {
  encode: (p: Point) => new Uint8Array(Float64Array.of(p.x, p.y).buffer),
  decode: (bytes: Uint8Array) => {
    const [x, y] = new Float64Array(bytes.slice().buffer)
    return new Point(x as number, y as number)
  },
}
export const Mirror = request<Point, Point>('mirror', { serializer: points, answerSerializer: points })
export const Drawn = event<Point>('drawn', { serializer: points })
/** Hear the topic of what is drawn, on either side of who looks at it, and have no handler for it. */
export const aside = agent('aside', { subscriptions: ['drawn'] }).on(Names, () => [])
export const looker = agent('looker', { subscriptions: ['drawn'], state: () => ({ names: [] as string[] }) })
  .on(Drawn, (point, ctx) => void ctx.state.names.push(`${point instanceof Point} ${point.x}`))
  .on(Names, (_, ctx) => ctx.state.names)
export const zombie = agent('zombie', { subscriptions: ['drawn'] }).on(Names, () => [])
/** Its bytes are a part of a buffer that others use too, as those of `Buffer.from` are; and too many for a ring. */
const letters = {
  encode: (text: string) => Buffer.from(`pooled ${text}`).subarray(7),
  decode: (bytes: Uint8Array) => new TextDecoder().decode(bytes),
}
export const Read = request<string, string>('read', { serializer: letters, answerSerializer: letters })
export const schooled = agent('schooled', { subscriptions: ['checked'], state: () => ({ names: [] as string[] }) })
  .on(Square, ({ n, tags }) => ({ n: n * n + tags.length }))
  .on(WrongAnswer, () => ({ n: 'not a number' }) as unknown as { n: number })
  .on(Checked, ({ who }, ctx) => void ctx.state.names.push(who.name))
  .on(Names, (_, ctx) => ctx.state.names)
  .on(Read, text => text)
  .on(Mirror, point => {
    if (!(point instanceof Point)) throw new Error('not a Point')
    return new Point(point.y, point.x)
  })

/** Serializers that take their time, to fail: for a payload, and for an answer. */
const fails = async () => {
  throw new Error('not in time')
}
const tardily = {
  in: { encode: fails as never, decode: letters.decode },
  out: { encode: letters.encode, decode: fails as never },
}
export const LateIn = request<string, string>('late-in', { serializer: tardily.in })
export const LateRead = request<string, string>('late-read', { serializer: tardily.out })
export const LateOut = request<string, string>('late-out', { answerSerializer: tardily.in })
export const LateAnswer = request<string, string>('late-answer', { answerSerializer: tardily.out })
export const Learn = request<void, number>('learn')
export const tardy = agent('tardy', { state: () => ({ n: 0 }) })
  .on(LateIn, text => text)
  .on(LateRead, text => text)
  .on(LateOut, text => text)
  .on(LateAnswer, text => text)
  .on(Learn, (_, ctx) => ++ctx.state.n)
