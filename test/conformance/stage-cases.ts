// What an agent may be doing, what may happen to it, and some moments that are no pair of these.
import type { Runtime } from 'ringreeve'
import * as s from './stage-agents.js'
import { type Event, Play, playOut, type State, sleep } from './stage-play.js'

export type StateName = keyof typeof states
export type EventName = keyof typeof events

/** How long the event `drop` is patient with what does not end. */
const PATIENCE_MS = 200

// ---- what the agent is doing ----------------------------------------------------------------------------------------

const made = async (play: Play): Promise<void> => {
  await play.send('first', s.Add)
}
const making = async (play: Play): Promise<void> => {
  play.shut(s.at.start)
  void play.send('first', s.Add)
  await play.writes('start')
}
const working = async (play: Play): Promise<{ readonly told: Promise<unknown> }> => {
  play.shut(s.at.turn)
  const told = play.send('turn', s.Hold)
  await play.writes('hold')
  return { told }
}
const stopping = async (play: Play): Promise<void> => {
  await working(play) // so that no moment is left in which it could be unloaded
  play.shut(s.at.stop)
  void play.call('ends', play.handle.stop({ timeout: 60_000 }))
  await play.fence()
  play.open(s.at.turn)
  await play.writes('stop')
  await play.fence()
}

export const states = {
  absent: { begin: async () => {} },
  absentPaused: { begin: play => play.handle.pause() },
  making: { held: true, begin: making },
  /** By nobody's message. */
  makingByGet: {
    held: true,
    begin: async play => {
      play.shut(s.at.start)
      void play.call('first', play.runtime.get(play.id, { lazy: false }))
      await play.writes('start')
    },
  },
  makingPaused: { held: true, begin: play => making(play).then(() => play.handle.pause()) },
  ready: { since: 'add', begin: made },
  working: { held: true, begin: async play => void (await working(play)) },
  /** A turn at work, and the wish to stop behind it. */
  toStop: {
    held: true,
    begin: async play => {
      await working(play)
      void play.call('ends', play.handle.stop({ timeout: 60_000 }))
      await play.fence()
    },
  },
  pausedWaiting: {
    begin: async play => {
      await working(play)
      await play.handle.pause()
      void play.send('one', s.Add)
      void play.send('two', s.Add)
      await play.fence()
      play.open(s.at.turn)
      await play.writes('held')
      await play.fence()
    },
  },
  /** It stops with its turn not wanted, and is patient with it. */
  stoppingWork: {
    held: true,
    begin: async play => {
      const turn = await working(play)
      void play.call('ends', play.handle.stop({ drain: false, timeout: 60_000 }))
      await turn.told // so the agent knows
    },
  },
  /** It stops beside its turn, which is awaited. */
  stoppingBeside: {
    concurrency: 'two',
    held: true,
    begin: async play => {
      await working(play)
      void play.call('ends', play.handle.stop({ timeout: 60_000 }))
      await play.fence()
    },
  },
  stoppingHook: { held: true, begin: stopping },
  stoppingPaused: { held: true, begin: play => stopping(play).then(() => play.handle.pause()) },
  unloaded: {
    brief: true,
    begin: async play => {
      play.shut(s.at.brief)
      await made(play)
      await play.writes('gone')
      await play.fence()
      play.open(s.at.brief)
    },
  },
  failed: {
    begin: async play => {
      await making(play)
      play.order(s.orders.fail)
      await play.writes('fail')
      play.open(s.at.start)
      await play.fence()
    },
  },
  gone: {
    begin: async play => {
      await made(play)
      await play.handle.stop()
    },
  },
} satisfies Record<string, State>

// ---- what happens to it ---------------------------------------------------------------------------------------------

const round = async (play: Play, { held }: State): Promise<void> => {
  if (held) play.order(s.orders.back)
  else void play.call('it', play.runtime.send(s.Loop, undefined, play.id))
  if (held) await play.writes('back', 'cycle', 'given up', 'lost') // however long it takes to find out
}
const ending = async (play: Play, drain: boolean): Promise<void> => {
  void play.call('it', play.runtime.stop({ drain, timeout: 60_000 }))
  play.ended = true
}

export const events = {
  request: { happen: async play => void play.send('it', s.Add) },
  event: {
    happen: async play => {
      const [type, key] = play.id.split('/')
      void play.call('it', play.runtime.publish(s.Note, undefined, { topic: `${type}/${key}` }))
    },
  },
  /** Of one sender, so they have their order. */
  twoRequests: {
    happen: async play => {
      void play.send('it', s.Hold)
      void play.send('then', s.Add)
    },
  },
  get: { happen: async play => void play.call('it', play.runtime.get(play.id, { lazy: false })) },
  pause: { happen: async play => void play.call('it', play.handle.pause()) },
  resume: { happen: async play => void play.call('it', play.handle.resume()) },
  stop: { happen: async play => void play.call('it', play.handle.stop({ timeout: 60_000 })) },
  drop: { happen: async play => void play.call('it', play.handle.stop({ drain: false, timeout: PATIENCE_MS })) },
  /** ctx.stop(), by what is held, or by a message. */
  quits: {
    happen: async (play, { held }) => {
      if (held) play.order(s.orders.quit)
      else void play.call('it', play.runtime.send(s.Quit, undefined, play.id))
      while (held && Atomics.load(play.desk, s.at.order) !== 0) await sleep(1)
    },
  },
  /** What is held throws, or a handler. */
  fails: {
    happen: async (play, { held }) => {
      if (!held) return void play.send('it', s.Fail)
      play.order(s.orders.fail)
      await play.writes('fail')
      play.open(s.at.start) // or the next attempt would be held
    },
  },
  /** It could be unloaded by now. */
  unloads: { brief: true, happen: () => sleep(3 * s.BRIEF_MS) },
  runtimeStops: { ends: true, happen: play => ending(play, true) },
  runtimeDrops: { ends: true, happen: play => ending(play, false) },
  /** Its caller gives up what waits; or, where nothing has to, what it has just sent. */
  cancel: {
    happen: async (play, { held }) => {
      const caller = new AbortController()
      void play.call('it', play.runtime.send(s.Add, undefined, play.id, { signal: caller.signal }))
      if (held) await play.fence()
      caller.abort()
    },
  },
  /** What it sends comes back to it. */
  circle: { happen: round },
  circleOfChain: { concurrency: 'chain', happen: round },
} satisfies Record<string, Event>

// ---- moments that are no pair ---------------------------------------------------------------------------------------

export type MomentName = keyof typeof moments

export const moments = {
  /** stop() is called while what was sent before it is being checked. */
  stopBehindCheck: {
    happen: async play => {
      await made(play)
      play.ready()
      void play.send('it', s.Checked)
      void play.call('ends', play.handle.stop({ timeout: 60_000 }))
    },
  },
  /** It sends itself requests, and does not wait for them. */
  laterByItself: { happen: async play => void play.call('it', play.runtime.send(s.Again, 2, play.id)) },
  /** Requests come in each moment in which an agent fails to be made. */
  manyForDoomed: {
    ends: true, // while some are never settled, nothing else can be seen in that runtime
    happen: async play => {
      play.order(s.orders.doom)
      const told = play.call('it', play.runtime.send(s.Flood, { to: play.id, requests: 200 }, play.mirror))
      await Promise.race([told, sleep(2_000)])
    },
  },
  /** A message for an agent whose onStop was given up. */
  requestBehindHungStop: {
    happen: async play => {
      await stopping(play)
      play.ready()
      await play.call('it', play.handle.stop({ drain: false, timeout: PATIENCE_MS }))
      void play.send('then', s.Add)
    },
  },
  /** The runtime gives up an agent that is being made. */
  runtimeStopsBeforeMade: {
    ends: true,
    happen: async play => {
      await states.making.begin(play)
      play.ready()
      void play.call('it', play.runtime.close({ drain: false, timeout: PATIENCE_MS }))
      play.ended = true
    },
  },
  runtimeStopsBeforeGot: {
    ends: true,
    happen: async play => {
      await states.makingByGet.begin(play)
      play.ready()
      void play.call('it', play.runtime.close({ drain: false, timeout: PATIENCE_MS }))
      play.ended = true
    },
  },
} satisfies Record<string, Event>

/** Plays one moment. @param expected see {@link play} */
export function playMoment(
  runtime: Runtime,
  number: number,
  name: MomentName,
  expected?: readonly string[],
): Promise<string> {
  return playOut(new Play(runtime, number, 'serial', false), { begin: async () => {} }, moments[name], expected)
}

/** Plays one pair. @param expected what may be seen; undefined: whatever is. @returns what was seen */
export async function play(
  runtime: Runtime,
  number: number,
  stateName: StateName,
  eventName: EventName,
  expected?: readonly string[],
): Promise<string> {
  const state: State = states[stateName]
  const event: Event = events[eventName]
  const brief = state.brief ?? event.brief ?? false
  const concurrency = state.concurrency ?? event.concurrency ?? 'serial'
  return playOut(new Play(runtime, number, concurrency, brief), state, event, expected)
}
