// Where a thread is that does not come back to its event loop. What it keeps: the inspector is touched only while a
// stack is taken, one at a time; a thread is stopped for the few milliseconds that takes, and goes on whatever happens;
// nobody waits longer than a quarter of a second. A thread inside a native call does not stop, and has no stack.
import type { Session } from 'node:inspector'

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
  | { readonly method: undefined }

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
    if (inspector.url() !== undefined) return undefined // who debugs the process would be stopped too
    const session = new inspector.Session()
    session.connect()
    try {
      return await pause(session, thread)
    } finally {
      session.disconnect() // with it goes every pause and every attachment
    }
  } catch {
    return undefined
  } finally {
    looking = false
  }
}

function pause(session: Session, thread: number): Promise<string | undefined> {
  return new Promise(resolve => {
    const timer = setTimeout(resolve, PATIENCE_MS, undefined)
    const scripts = new Map<string, string>()
    let asked = 0
    session.on('NodeWorker.attachedToWorker', ({ params }) => {
      const { sessionId, workerInfo } = params as Attached
      if (Number(/^\[worker (\d+)\]/.exec(workerInfo.title)?.[1]) !== thread) return
      const order = (method: string): void =>
        session.post('NodeWorker.sendMessageToWorker', { sessionId, message: JSON.stringify({ id: ++asked, method }) })
      session.on('NodeWorker.receivedMessageFromWorker', ({ params: received }) => {
        if ((received as Received).sessionId !== sessionId) return
        const said = JSON.parse((received as Received).message) as Said
        if (said.method === 'Debugger.scriptParsed') scripts.set(said.params.scriptId, said.params.url)
        if (said.method !== 'Debugger.paused') return
        order('Debugger.resume')
        order('Debugger.disable')
        clearTimeout(timer)
        resolve(textOf(said.params.callFrames, scripts))
      })
      order('Debugger.enable')
      order('Debugger.pause')
    })
    session.post('NodeWorker.enable', { waitForDebuggerOnStart: false })
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
