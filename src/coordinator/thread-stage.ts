// The life of one loop on a thread, as its executor sees it. What it keeps: it only goes forward, and it is over only when
// its thread is gone, or is left behind.
//
//   state   | answers | killed  | settles | gone   | stuck
//   --------|---------|---------|---------|--------|-------
//   booting | joined  | leaving | ended   |        |
//   joined  | joined  | leaving | ended   |        |
//   leaving | leaving | leaving | ended   |        |
//   ended   | ended   | ended   |         | exited | zombie
//   exited  | exited  | exited  |         |        |
//   zombie  | zombie  | zombie  |         | exited |
//
// answers: an order was carried out, so its thread is there; killed: it is to end, whatever it is doing; settles: its task
// has; gone, stuck: its thread has left in time, or has not. What was answered, and who kills, may come late.
import { Stages, type Table } from './stages.js'

export type ThreadStage = 'booting' | 'joined' | 'leaving' | 'ended' | 'exited' | 'zombie'
export type ThreadEvent = 'answers' | 'killed' | 'settles' | 'gone' | 'stuck'

export const threadTable: Table<ThreadStage, ThreadEvent> = {
  booting: { answers: 'joined', killed: 'leaving', settles: 'ended' },
  joined: { answers: 'joined', killed: 'leaving', settles: 'ended' },
  leaving: { answers: 'leaving', killed: 'leaving', settles: 'ended' },
  ended: { answers: 'ended', killed: 'ended', gone: 'exited', stuck: 'zombie' },
  exited: { answers: 'exited', killed: 'exited' },
  zombie: { answers: 'zombie', killed: 'zombie', gone: 'exited' },
}

/** The stage of one life. */
export class ThreadStages {
  readonly #stages = new Stages<ThreadStage, ThreadEvent>('thread', threadTable, 'booting')

  get now(): ThreadStage {
    return this.#stages.now
  }

  /** Nothing can be asked of it any more. */
  get over(): boolean {
    return this.now === 'exited' || this.now === 'zombie'
  }

  to(event: ThreadEvent): void {
    this.#stages.to(event)
  }
}
