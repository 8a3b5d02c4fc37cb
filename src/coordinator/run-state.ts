// Whether a runtime runs. What it keeps: it is started and stopped in turns, what is closed never begins again, and only
// what was never started is stepped.
//
//   state    | start    | started | failed  | stop     | stopped | close
//   ---------|----------|---------|---------|----------|---------|-------
//   new      | starting |         |         | stopping |         |
//   starting |          | running | stopped | stopping |         |
//   running  |          |         |         | stopping |         |
//   stopping |          |         |         |          | stopped |
//   stopped  | starting |         |         |          |         | closed
//   closed   |          |         |         |          |         | closed
//
// start, started: it begins, has begun; failed: it could not. stop, stopped: likewise. It is stopped while it starts only
// when what it starts cannot go on; the application's stop() waits for its start.
import { StoppedError } from '../agent/errors.js'
import type { OwnEnd } from './own-end.js'
import { Stages, type Table } from './stages.js'

export type RunStage = 'new' | 'starting' | 'running' | 'stopping' | 'stopped' | 'closed'
export type RunEvent = 'start' | 'started' | 'failed' | 'stop' | 'stopped' | 'close'

export const runTable: Table<RunStage, RunEvent> = {
  new: { start: 'starting', stop: 'stopping' },
  starting: { started: 'running', failed: 'stopped', stop: 'stopping' },
  running: { stop: 'stopping' },
  stopping: { stopped: 'stopped' },
  stopped: { start: 'starting', close: 'closed' },
  closed: { close: 'closed' },
}

/** The state of one runtime. */
export class RunState {
  readonly #stages = new Stages<RunStage, RunEvent>('runtime', runTable, 'new')
  /** Why the last run ended by itself, if it did. */
  ownEnd: OwnEnd | undefined

  get now(): RunStage {
    return this.#stages.now
  }

  /** Messages are handled. */
  get running(): boolean {
    return this.now === 'running'
  }

  /** Nothing is there that could be asked. */
  get over(): boolean {
    return this.now === 'stopped' || this.now === 'closed'
  }

  to(event: RunEvent): void {
    this.#stages.to(event)
  }

  /** @throws StoppedError when there is nobody to ask: it is over, or begins again */
  checkAlive(): void {
    if (!this.over && this.now !== 'starting') return
    const end = this.ownEnd
    if (end === undefined) throw new StoppedError(`the runtime is ${this.now}`)
    throw new StoppedError(`the runtime is ${this.now}, because ${end.why}`, { cause: end.error })
  }
}

/** That a runtime is closed. */
export function closed(): StoppedError {
  return new StoppedError('the runtime is closed; make a new one')
}
