// Room in the mailboxes of this loop, as one other loop is told of it. What it keeps: of what is held back over there so much comes as
// there is room for, and its agent is waited for (`Recipient.expect`) until nothing is held back any more: who is waited for does not
// wait for others.
//
//   here                                       there
//   a mailbox is overfull: MUTE                holds back what is for it
//   half of it is free: UNMUTE, so many more   lets go so many; HELD, behind them: so many are left
//   HELD, some: waits for room again           goes on holding back
//   HELD, none: over                           goes on sending
import { Kind } from '../../transport/frame.js'
import type { Link } from '../../transport/link.js'
import type { Directory } from '../base/directory.js'
import type { Recipient, Recipients } from '../base/recipient.js'
import { NOBODY } from './frames.js'
import type { Peer } from './peer.js'

const ALL = 2 ** 31 - 1

/** What is here. */
export interface RoomHost {
  readonly directory: Directory
  readonly recipients: Recipients
}

/** Tells one life of another loop of room here. */
export class Room {
  readonly #host: RoomHost
  readonly #peer: Pick<Peer, 'control'>
  readonly #link: Link
  /** By agent that has been full: itself, while what is held back for it is not known. */
  readonly #muted = new Map<string, Recipient | undefined>()
  #over = false

  constructor(host: RoomHost, peer: Pick<Peer, 'control'>, link: Link) {
    this.#host = host
    this.#peer = peer
    this.#link = link
  }

  /** An agent has more in its mailbox than that holds. */
  full(to: Recipient): void {
    if (this.#over || this.#muted.has(to.text)) return // known over there, or to be told soon
    this.#peer.control(this.#link, Kind.MUTE, NOBODY, to.text)
    this.#whenRoom(to)
  }

  /** What there was room for has come, and so many are held back still. */
  held(agent: string, count: number): void {
    if (this.#over) return
    this.#muted.get(agent)?.expect(-1)
    this.#muted.delete(agent)
    const { directory, recipients } = this.#host
    const address = directory.of(agent)
    if (address.loop !== directory.index) {
      // what is for nobody goes, and is told so
      if (count > 0) this.#unmute(agent, ALL)
      return
    }
    const to = recipients.at(address)
    if (count > 0) this.#whenRoom(to)
    else if (to.overfull) this.full(to)
  }

  /** That life is over: it holds nothing back any more. */
  finish(): void {
    this.#over = true
    for (const to of this.#muted.values()) to?.expect(-1)
    this.#muted.clear()
  }

  #whenRoom(to: Recipient): void {
    this.#muted.set(to.text, undefined)
    to.whenRoom(room => {
      if (this.#over) return
      to.expect(1)
      this.#muted.set(to.text, to)
      this.#unmute(to.text, room)
    })
  }

  #unmute(agent: string, room: number): void {
    this.#peer.control(this.#link, Kind.UNMUTE, { slot: room, generation: 0 }, agent)
  }
}
