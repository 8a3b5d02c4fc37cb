// A worker thread of the MessagePort rival: echoes what it gets, computes, or drives the thread at the other end of a
// port.
import { type MessagePort, parentPort } from 'node:worker_threads'
import { type DriveOptions, drive, driveUntil } from './drive.js'
import { PortCaller, type PortRequest } from './port-caller.js'
import { spin } from './work.js'

/** Serve requests that come by this port, or send requests by it when told to drive. */
export interface PortOrder {
  readonly kind: 'serve' | 'call'
  readonly port: MessagePort
}

type Job =
  | { readonly kind: 'compute'; readonly blocks: number; readonly times: number }
  | { readonly kind: 'drive'; readonly options: DriveOptions; readonly body: unknown }
  | { readonly kind: 'talk'; readonly inFlight: number; readonly shared: Int32Array }

let other: PortCaller | undefined

function isJob(body: unknown): body is Job {
  return typeof body === 'object' && body !== null && 'kind' in body
}

function doJob(job: Job): unknown {
  if (job.kind === 'drive') return drive(() => other!.call(job.body), job.options)
  if (job.kind === 'talk') return driveUntil(() => other!.call(undefined), job.inFlight, job.shared)
  let result = 0
  for (let i = 0; i < job.times; i++) result += spin(job.blocks)
  return result
}

parentPort!.on('message', ({ kind, port }: PortOrder) => {
  if (kind === 'call') {
    other = new PortCaller(port)
    return
  }
  port.on('message', ({ id, body }: PortRequest) => {
    if (!isJob(body)) return port.postMessage({ id, body } satisfies PortRequest)
    void Promise.resolve(doJob(body)).then(answer => port.postMessage({ id, body: answer } satisfies PortRequest))
  })
})
