// Where a thread is that does not come back to its event loop, and whether it stands at somebody's breakpoint. What it keeps: the
// inspector is touched only while that is found out; for its stack one thread at a time is stopped for a few milliseconds,
// and always let go again; nobody waits longer than a quarter of a second. A thread inside a native call has no stack, and stops for a moment when it comes out.

import type { Session } from 'node:inspector'
import { setTimeout } from '../base/real-time.js'

const PATIENCE_MS = 250
const MOST_FRAMES = 10
/** Frames below ours say nothing. */
const ours = new URL('..', import.meta.url).href

interface Attached {
  readonly sessionId: string
  readonly workerInfo: { readonly title: string }
}
interface Received {
  readonly sessionId: string
  readonly message: string
}
interface Frame {
  readonly functionName: string
  readonly location: { readonly scriptId: string; readonly lineNumber: number; readonly columnNumber?: number }
}
/** What a thread's debugger says, as far as it is of use here. */
type Said =
  | { readonly method: 'Debugger.paused'; readonly params: { readonly callFrames: readonly Frame[] } }
  | { readonly method: 'Debugger.scriptParsed'; readonly params: { readonly scriptId: string; readonly url: string } }
  | { readonly method: undefined; readonly id: number }

let looking = false

/**
 * The stack of a thread of this process, in the form of an error's.
 * @param thread Node's id of it
 * @returns undefined where it cannot be had: a native call, somebody else's debugger, a Node without inspector
 */
export async function stackOf(thread: number): Promise<string | undefined> {
  if (looking || thread === 0) return undefined
  looking = true
  try {
    const inspector = await import('node:inspector')
    if (inspector.url() === undefined) return await pause(new inspector.Session(), thread)
  } catch {} // no inspector here
  looking = false // else who debugs the process would be stopped too
  return undefined
}

/**
 * Whether a thread of this process stands at a breakpoint of somebody who debugs it.
 * @param thread Node's id of it
 */
export async function isPaused(thread: number): Promise<boolean> {
  if (thread === 0) return false
  let session: Session | undefined // of its own: one that waits for a thread inside a native call keeps nobody else from knowing
  try {
    const inspector = await import('node:inspector')
    session = new inspector.Session()
    return await says(session, thread)
  } catch {
    return false // no inspector here
  } finally {
    session?.disconnect()
  }
}

/** Who begins to listen to a thread that is paused is told so first. */
function says(session: Session, thread: number): Promise<boolean> {
  return new Promise(resolve => {
    setTimeout(resolve, PATIENCE_MS, false)
    listen(session, thread, ['Debugger.enable'], {
      hear(said) {
        if (said.method === 'Debugger.paused') resolve(true)
        else if (said.method === undefined) resolve(false)
      },
      gone: () => resolve(false),
    })
  })
}

/**
 * Once asked to stop, the thread stops, if only when its native call returns; and the session lasts until it has said that
 * it goes on. A session that ends before leaves it stopped for ever.
 */
function pause(session: Session, thread: number): Promise<string | undefined> {
  return new Promise(resolve => {
    setTimeout(resolve, PATIENCE_MS, undefined)
    const scripts = new Map<string, string>()
    let released = 0
    const gone = (): void => {
      session.disconnect()
      looking = false
      resolve(undefined)
    }
    listen(session, thread, ['Debugger.enable', 'Debugger.pause'], {
      hear(said, order) {
        if (said.method === 'Debugger.scriptParsed') scripts.set(said.params.scriptId, said.params.url)
        else if (said.method === 'Debugger.paused') {
          resolve(textOf(said.params.callFrames, scripts))
          released = order('Debugger.resume') + 1 // known before that is ordered: it may be answered at once
          order('Debugger.disable')
        } else if (said.method === undefined && said.id === released) gone()
      },
      gone,
    })
  })
}

interface Listener {
  /** Told what the debugger says. @param order orders something. @returns the number that its answer has */
  hear(said: Said, order: (method: string) => number): void
  /** There is no such thread, or no longer. */
  gone(): void
}

/** Listens to the debugger of a thread, which may answer before an order returns. @param first what is ordered at once */
function listen(session: Session, thread: number, first: readonly string[], listener: Listener): void {
  let known: string | undefined
  session.connect()
  session.on('NodeWorker.attachedToWorker', ({ params }) => {
    const { sessionId, workerInfo } = params as Attached
    if (Number(/^\[worker (\d+)\]/.exec(workerInfo.title)?.[1]) !== thread) return
    known = sessionId
    let asked = 0
    const order = (method: string): number => {
      const message = JSON.stringify({ id: ++asked, method })
      session.post('NodeWorker.sendMessageToWorker', { sessionId, message })
      return asked
    }
    session.on('NodeWorker.receivedMessageFromWorker', ({ params: received }) => {
      const { sessionId: from, message } = received as Received
      if (from === sessionId) listener.hear(JSON.parse(message) as Said, order)
    })
    for (const method of first) order(method)
  })
  session.on('NodeWorker.detachedFromWorker', ({ params }) => {
    if ((params as Attached).sessionId === known) listener.gone()
  })
  session.post('NodeWorker.enable', { waitForDebuggerOnStart: false }, () => {
    if (known === undefined) listener.gone()
  })
}

function textOf(frames: readonly Frame[], scripts: ReadonlyMap<string, string>): string | undefined {
  const urlOf = ({ location }: Frame): string => scripts.get(location.scriptId) || '<unknown>'
  const end = frames.findIndex(frame => urlOf(frame).startsWith(ours))
  const theirs = frames.slice(0, end < 0 ? MOST_FRAMES : Math.min(end, MOST_FRAMES))
  if (theirs.length === 0) return undefined
  return theirs
    .map(frame => {
      const { lineNumber, columnNumber = 0 } = frame.location
      return `    at ${frame.functionName || '<anonymous>'} (${urlOf(frame)}:${lineNumber + 1}:${columnNumber + 1})`
    })
    .join('\n')
}
