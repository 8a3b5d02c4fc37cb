// Interceptors and schemas: what a payload passes on its way out. They run synchronously where they can; when one of them takes
// time, later messages of the same sender queue behind it, so that the order in which a sender sent is the order in which its
// messages leave. What a check sends itself does not queue behind the check. What is being checked is in no queue and no table, and a
// check may never end: so it is told when the loop stops.
import { AsyncLocalStorage } from 'node:async_hooks'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { Late, later } from '../../agent/edge.js'
import { InvalidArgumentError, MessageDroppedError, type StoppedError } from '../../agent/errors.js'
import { DROP, type Intercept, type Interceptor, type Passing } from '../../agent/interceptor.js'
import type { MessageType, RequestType } from '../../agent/message.js'
import { validate } from '../../agent/schema.js'
import type { Admission } from '../base/admission.js'
import { type EventLoop, within } from '../base/event-loop.js'
import type { Ledger } from '../base/ledger.js'
import type { Message } from '../base/message.js'
import type { Answers } from '../cell/turning.js'

/** Where what the application sends is checked in order. */
const APPLICATION = ''

/** So long at most does a send wait for a check of which it is not known whether it sends itself. */
const PATIENCE_MS = 1_000

/** So deep may sends nest in what checks them: what sends itself would never end. */
const MOST_WITHIN = 16

const settled: Promise<unknown> = Promise.resolve()

/** What payloads of one loop pass. */
export class Passage implements Answers {
  readonly #admission: Admission
  readonly #ledger: Ledger
  readonly #eventLoop: EventLoop
  readonly #hooks: Record<keyof Interceptor, Intercept[]> = { onSend: [], onPublish: [], onResponse: [] }
  /** By sender: the message of it that is still being checked. */
  readonly #checking = new Map<string, Promise<unknown>>()
  /** Whose checks the code that runs now is part of. */
  readonly #within = new AsyncLocalStorage<readonly string[]>()
  /**
   * By message, whether its checks have ever taken time: to know what a check sends costs something, in Node 20 for all promises. So of
   * a check that never took time before it is not known the first time: who would wait behind it may be what it waits for itself, and
   * waits for a while only.
   */
  readonly #takesTime = { onSend: new Map<string, boolean>(), onPublish: new Map<string, boolean>() }
  /** Checks at work of which it is known what they send. */
  #known = 0
  /** How to tell what is being checked that the loop stops. */
  readonly #unchecked = new Set<(error: StoppedError) => void>()

  constructor(admission: Admission, ledger: Ledger, eventLoop: EventLoop) {
    this.#admission = admission
    this.#ledger = ledger
    this.#eventLoop = eventLoop
  }

  /** Adds to the end of the chain. */
  intercept(interceptor: Interceptor): void {
    for (const hook of ['onSend', 'onPublish', 'onResponse'] as const) {
      const intercept = interceptor[hook]
      if (intercept !== undefined) this.#hooks[hook].push(intercept)
    }
  }

  /** The loop stops: whatever is being checked is not waited for. */
  abandon(error: StoppedError): void {
    for (const fail of this.#unchecked) fail(error)
  }

  /** When what the application has sent so far is through; undefined if it is. */
  get behind(): Promise<unknown> | undefined {
    return this.#checking.get(APPLICATION)
  }

  /** Whether there is nothing to pass. */
  isFree(hook: 'onSend' | 'onPublish', schema: StandardSchemaV1 | undefined): boolean {
    return schema === undefined && this.#hooks[hook].length === 0 && this.#checking.size === 0
  }

  /**
   * Interceptors and schema, in order, and behind earlier messages of the same sender that are not through yet.
   * @returns the payload as it leaves; if it takes time, {@link Late}. @throws what they throw, or such a promise rejects with it;
   *   InvalidArgumentError for what is sent by what sends it
   */
  pass(
    hook: 'onSend' | 'onPublish',
    schema: StandardSchemaV1 | undefined,
    payload: unknown,
    passing: Passing,
  ): unknown {
    const sender = passing.sender?.toString() ?? APPLICATION
    const { message, recipient } = passing
    const check = (): unknown =>
      chain(this.#hooks[hook], payload, passing, value =>
        validate(schema, value, 'payload', recipient?.toString(), message),
      )
    const around = this.#within.getStore() ?? []
    if (around.length === MOST_WITHIN) throw endless(message)
    const takesTime = this.#takesTime[hook]
    const known = takesTime.get(message) !== false
    const run = (): unknown => this.#run(takesTime, message, known ? [...around, sender] : undefined, check)
    const before = around.includes(sender) ? undefined : this.#checking.get(sender)
    const checking = before === undefined ? run() : behind(before, () => (this.#admission.closed ? payload : run()))
    if (!(checking instanceof Late)) return checking
    const ready = this.#checked(checking.promise)
    const through = ready.then(
      () => {},
      () => {},
    )
    const next = known ? through : (before ?? settled).then(() => within(this.#eventLoop, PATIENCE_MS, through))
    this.#checking.set(sender, next)
    this.#ledger.accept()
    void through.then(() => this.#ledger.finish())
    void next.then(() => {
      if (this.#checking.get(sender) === next) this.#checking.delete(sender)
    })
    return new Late(ready)
  }

  /** @param around whose checks it is part of; undefined: it is not told */
  #run(
    takesTime: Map<string, boolean>,
    message: string,
    around: readonly string[] | undefined,
    check: () => unknown,
  ): unknown {
    if (around !== undefined) this.#known++
    const over = (): void => {
      if (around !== undefined) this.#known--
    }
    let checking: unknown
    try {
      checking = around === undefined ? check() : this.#within.run(around, check)
    } finally {
      if (!(checking instanceof Late)) over()
    }
    if (checking instanceof Late) {
      takesTime.set(message, true)
      checking.promise.then(over, over)
    } else if (!takesTime.has(message)) {
      takesTime.set(message, false)
      const { onSend, onPublish } = this.#takesTime
      const quick = [...onSend.values(), ...onPublish.values()].every(time => !time)
      if (quick && this.#known === 0) this.#within.disable() // not while a check is to be known by it
    }
    return checking
  }

  /** Answers on their way out: interceptors, then the schema. */
  answer(message: Message, type: MessageType, value: unknown): unknown {
    const schema = (type as RequestType).output
    const hooks = this.#hooks.onResponse
    if (hooks.length === 0 && schema === undefined) return value
    const passing: Passing = {
      message: message.name,
      messageId: message.id,
      sender: message.recipient,
      recipient: message.sender,
      topic: undefined,
    }
    const checked = chain(hooks, value, passing, late =>
      validate(schema, late, 'answer', message.recipient.toString(), message.name),
    )
    return checked instanceof Late ? new Late(this.#checked(checked.promise)) : checked
  }

  /** Waits for a check, unless the loop stops first. */
  #checked(check: Promise<unknown>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#unchecked.add(reject)
      const over = () => this.#unchecked.delete(reject)
      check.then(resolve, reject).then(over)
    })
  }
}

function endless(name: string): InvalidArgumentError {
  const text = `'${name}' was sent while what is sent was being checked, ${MOST_WITHIN} times one within another: an interceptor or schema sends without end`
  return new InvalidArgumentError(text, { message: name })
}

/** What comes of a promise, if that may be late again. */
function behind(first: Promise<unknown>, then: (value: unknown) => unknown): Late {
  const unpack = (value: unknown): unknown => {
    const next = then(value)
    return next instanceof Late ? next.promise : next
  }
  return new Late(first.then(unpack))
}

function chain(
  hooks: readonly Intercept[],
  value: unknown,
  passing: Passing,
  last: (value: unknown) => unknown,
): unknown {
  let current = value
  for (let i = 0; i < hooks.length; i++) {
    const next = (hooks[i] as Intercept)(current, passing)
    const waited = later(next)
    if (waited !== undefined) {
      const before = current
      return behind(waited, late => chain(hooks.slice(i + 1), pick(before, late, passing), passing, last))
    }
    current = pick(current, next, passing)
  }
  return last(current)
}

function pick(before: unknown, after: unknown, passing: Passing): unknown {
  if (after === DROP) {
    const to = passing.recipient ?? passing.topic
    throw new MessageDroppedError(`an interceptor dropped '${passing.message}'${to ? ` for ${to}` : ''}`, {
      message: passing.message,
    })
  }
  return after === undefined ? before : after
}
