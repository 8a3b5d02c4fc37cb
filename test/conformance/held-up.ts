// Agents that hold up a stop, each in its way.
import { agent, request } from 'ringreeve'

export const Hang = request<null, void>('hang')
export const Spin = request<Int32Array<SharedArrayBuffer>, void>('spin')
export const Be = request<Int32Array<SharedArrayBuffer>, void>('be')

export const handler = agent('handler').on(Hang, () => new Promise<never>(() => {}))
export const spinner = agent('spinner').on(Spin, word => {
  Atomics.store(word, 1, 1)
  while (Atomics.load(word, 0) === 0);
})
let loops: () => void = () => {}
const looping = new Promise<void>(resolve => {
  loops = resolve
})
export const looper = agent('looper')
  .loop(() => {
    loops()
    return new Promise<never>(() => {})
  })
  .on(Be, () => looping)
export const leaver = agent('leaver')
  .on(Be, () => {})
  .onStop(() => new Promise<never>(() => {}))
export const starter = agent('starter')
  .onStart(() => new Promise<never>(() => {}))
  .on(Hang, () => {})

/** Counts in a shared word how many have stopped. */
export const many = agent<{ word: Int32Array | undefined }>('many', { state: () => ({ word: undefined }) })
  .on(Be, (word, ctx) => {
    ctx.state.word = word
  })
  .onStop(({ state }) => void (state.word && Atomics.add(state.word, 0, 1)))
