// Chameneos: creatures meet in pairs at a mall and change their colours. Everything goes through one agent. Checks that
// the creatures count as many meetings as the mall, and that the colours are what the meetings made of them.
import { agent, event, request } from 'ringreeve'
import { expect, Later, many, program } from './program.js'

const COLOURS = 3

const Open = request<{ creatures: string[]; meetings: number }, { counted: number; wrong: number }>('open')
const Enter = event<{ mall: string; colour: number }>('enter')
const Meet = event<{ creature: string; colour: number }>('meet')
const Change = event<{ from: number; to: number }>('change')
const Close = event('close')
const Left = event<{ meetings: number; wrong: number }>('left')

/** Two of one colour stay as they are; two of different ones both take the third. */
const mix = (one: number, other: number): number => (one === other ? one : COLOURS - one - other)

export const mall = agent('mall', {
  concurrency: 'interleaved',
  subscriptions: ['mall'],
  state: () => ({ waiting: '', meetings: 0, inside: 0, counted: 0, wrong: 0, end: new Later() }),
})
  .on(Open, async ({ creatures, meetings }, ctx) => {
    const { state } = ctx
    state.meetings = meetings
    state.inside = creatures.length
    for (const [i, topic] of creatures.entries())
      await ctx.publish(Enter, { mall: `${ctx.id}`, colour: i % COLOURS }, { topic })
    await state.end.promise
    return { counted: state.counted, wrong: state.wrong }
  })
  .on(Meet, (guest, ctx) => {
    const { state } = ctx
    if (state.meetings === 0) void ctx.publish(Close, undefined, { topic: guest.creature })
    else if (state.waiting === '') state.waiting = guest.creature
    else {
      state.meetings--
      void ctx.publish(Meet, guest, { topic: state.waiting })
      state.waiting = ''
    }
  })
  .on(Left, ({ meetings, wrong }, { state }) => {
    state.counted += meetings
    state.wrong += wrong
    if (--state.inside === 0) state.end.resolve()
  })

export const creature = agent('creature', {
  subscriptions: ['creature'],
  state: id => ({ address: `creature/${id.key}`, mall: '', colour: 0, meetings: 0, wrong: 0 }),
})
  .on(Enter, ({ mall, colour }, ctx) => {
    const { state } = ctx
    state.mall = mall
    state.colour = colour
    void ctx.publish(Meet, { creature: state.address, colour }, { topic: mall })
  })
  .on(Meet, ({ creature, colour }, ctx) => {
    const { state } = ctx
    const to = mix(state.colour, colour)
    void ctx.publish(Change, { from: colour, to }, { topic: creature })
    state.colour = to
    state.meetings++
    void ctx.publish(Meet, { creature: state.address, colour: to }, { topic: state.mall })
  })
  .on(Change, ({ from, to }, ctx) => {
    const { state } = ctx
    if (from !== state.colour) state.wrong++ // the other one saw a colour that this one does not have
    state.colour = to
    state.meetings++
    void ctx.publish(Meet, { creature: state.address, colour: to }, { topic: state.mall })
  })
  .on(Close, (_, ctx) => {
    const { meetings, wrong, mall } = ctx.state
    void ctx.publish(Left, { meetings, wrong }, { topic: mall })
  })

export const chameneos = program(
  'Chameneos',
  import.meta.url,
  {
    published: { creatures: 100, meetings: 200_000 },
    brief: { creatures: 100, meetings: 20_000 },
    small: { creatures: 20, meetings: 500 },
  },
  async (runtime, { creatures, meetings }, tag, clock) => {
    const { counted, wrong } = await clock.time(() =>
      runtime.send(Open, { creatures: many('creature', tag, creatures), meetings }, `mall/${tag}`),
    )
    expect('meetings that the creatures counted', counted, 2 * meetings)
    expect('meetings with a wrong colour', wrong, 0)
    return 4 * meetings + 4 * creatures
  },
)
