// An agent with a mailbox: what waits for it, and whether any of it may begin. What it keeps: a mailbox is there as long as there is
// anything in it, since most are empty.
import type { Message } from '../base/message.js'
import { type Blockers, type Jammable, keyOf } from './jammed.js'
import { Mailbox } from './mailbox.js'
import { isTick } from './timer.js'
import { Turning } from './turning.js'

/** An agent with a mailbox. */
export abstract class Boxed extends Turning implements Jammable {
  /** Undefined while it is empty. */
  protected mailbox: Mailbox | undefined

  /** Messages that have not begun. */
  get waiting(): number {
    const mailbox = this.mailbox
    return mailbox === undefined ? 0 : mailbox.length + mailbox.inner
  }

  get occupied(): boolean {
    for (const { message } of this.turns()) if (!isTick(message)) return true
    return this.mailbox !== undefined && !this.mailbox.every(isTick)
  }

  /** Whether there is a message that may begin now. */
  get runnable(): boolean {
    const mailbox = this.mailbox
    if (mailbox === undefined) return false
    if (mailbox.inner > 0 && (this.type.reentrant || this.running < this.type.limit)) return true
    return mailbox.length > 0 && this.running < this.type.limit && this.open
  }

  /** Whether more messages wait than the mailbox holds, and their senders are to wait. */
  get overfull(): boolean {
    const mailbox = this.mailbox
    return mailbox !== undefined && mailbox.length > this.type.capacity && this.type.overflow === 'wait'
  }

  /** Whether somebody waits for room in the mailbox. */
  get waitedFor(): boolean {
    return this.mailbox?.waitedFor === true
  }

  /** Tells `listener` once half of the mailbox is free, which may be now, for how many more there is room. */
  whenRoom(listener: (room: number) => void): void {
    const { capacity } = this.type
    const { mailbox } = this
    if (mailbox === undefined || mailbox.length <= capacity >> 1) return listener(capacity - (mailbox?.length ?? 0))
    mailbox.whenRoom(() => listener(Math.max(1, capacity - mailbox.length)))
  }

  /** More may be held back for it than there was room for (1), or that is known by now (-1). */
  expect(change: 1 | -1): void {
    this.box.expected += change
    if (change < 0) this.dropBox()
  }

  protected get box(): Mailbox {
    this.mailbox ??= Mailbox.empty()
    return this.mailbox
  }

  abstract readonly blockers: Blockers | undefined;

  *awaited(): Iterable<Message> {
    for (const message of this.mailbox?.line() ?? []) if (message.chain !== undefined) yield message
  }

  holds(key: string): boolean {
    for (const message of this.awaited()) if (keyOf(message) === key) return true
    return false
  }

  protected dropBox(): void {
    if (this.mailbox?.giveBack() === true) this.mailbox = undefined
  }
}
