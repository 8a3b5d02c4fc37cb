// Bytes of a tree as they are written: MessagePack's own values, in memory that grows. No tree is longer than a body may be.
import { checkLength } from './body.js'
import * as ext from './extensions.js'
import { pad8 } from './ring.js'

const START = 64 * 1024
/** The buffer may stay so large. */
const MOST = 1024 * 1024
const SHORT = 24

/** Memory with a tree, which begins at 0. */
export class TreeBytes {
  protected bytes = Buffer.alloc(0)
  protected words = new Int32Array(0)
  protected view = new DataView(new ArrayBuffer(0))
  /** Where the next byte goes. */
  protected at = 0

  constructor() {
    this.allocate(START)
  }

  /** Begins a tree. */
  protected begin(): void {
    if (this.bytes.length > MOST) this.allocate(START) // one large body must not be held for ever
    this.at = 0
  }

  protected byte(byte: number): void {
    this.room(1)
    this.bytes[this.at++] = byte
  }

  /** A field that is undefined is left out; an element of a list cannot be. */
  protected undefined(): void {
    this.room(3)
    this.bytes[this.at++] = 0xc7
    this.bytes[this.at++] = 0
    this.bytes[this.at++] = ext.UNDEFINED
  }

  protected bigint(value: bigint): void {
    const start = this.open(ext.BIGINT)
    const digits = value.toString()
    this.room(digits.length)
    this.at += this.bytes.write(digits, this.at, 'latin1')
    this.close(start)
  }

  protected number(value: number): void {
    this.room(9)
    const bytes = this.bytes
    if ((value | 0) === value && (value !== 0 || 1 / value > 0)) {
      if (value >= -32 && value < 128) {
        bytes[this.at++] = value
        return
      }
      bytes[this.at] = 0xd2
      this.view.setInt32(this.at + 1, value)
      this.at += 5
      return
    }
    bytes[this.at] = 0xcb
    this.view.setFloat64(this.at + 1, value)
    this.at += 9
  }

  protected string(text: string): void {
    const { length } = text
    this.room(5 + 3 * length)
    const bytes = this.bytes
    const at = this.at
    if (length < SHORT) {
      let i = 0
      for (; i < length; i++) {
        const code = text.charCodeAt(i)
        if (code > 0x7f) break
        bytes[at + 1 + i] = code
      }
      if (i === length) {
        bytes[at] = 0xa0 | length
        this.at = at + 1 + length
        return
      }
    }
    if (!text.isWellFormed()) return this.wide(text) // half a surrogate pair has no UTF-8
    if (length < 0x5555) {
      const written = bytes.write(text, at + 3)
      bytes[at] = 0xda
      this.view.setUint16(at + 1, written)
      this.at = at + 3 + written
    } else {
      const written = bytes.write(text, at + 5)
      bytes[at] = 0xdb
      this.view.setUint32(at + 1, written)
      this.at = at + 5 + written
    }
  }

  protected wide(text: string): void {
    const start = this.open(ext.WIDE_TEXT)
    this.room(2 * text.length)
    this.at += this.bytes.write(text, this.at, 'utf16le')
    this.close(start)
  }

  /** Begins an extension with values inside. @returns where they begin */
  protected open(type: number): number {
    this.room(14)
    this.bytes[this.at] = 0xc9
    this.bytes[this.at + 5] = type
    this.at += 6
    return this.at
  }

  /** Ends an extension whose contents begin at `start`. */
  protected close(start: number): void {
    this.view.setUint32(start - 5, this.at - start)
  }

  /** An extension that is a number. */
  protected word(type: number, word: number): void {
    this.room(6)
    this.bytes[this.at] = 0xd6
    this.bytes[this.at + 1] = type
    this.view.setUint32(this.at + 2, word)
    this.at += 6
  }

  protected length(length: number, fix: number, sixteen: number): void {
    this.room(5)
    const bytes = this.bytes
    if (length < 16) bytes[this.at++] = fix | length
    else if (length < 0x10000) {
      bytes[this.at] = sixteen
      this.view.setUint16(this.at + 1, length)
      this.at += 3
    } else {
      bytes[this.at] = sixteen + 1
      this.view.setUint32(this.at + 1, length)
      this.at += 5
    }
  }

  protected room(bytes: number): void {
    if (this.at + bytes > this.bytes.length) this.grow(this.at + bytes)
  }

  protected grow(least: number): void {
    checkLength(least)
    const old = this.bytes
    this.allocate(Math.max(least, old.length * 2))
    old.copy(this.bytes, 0, 0, this.at)
  }

  protected allocate(length: number): void {
    const memory = new ArrayBuffer(pad8(length))
    this.bytes = Buffer.from(memory)
    this.words = new Int32Array(memory)
    this.view = new DataView(memory)
  }
}
