// Shapes: which keys an object has, in which order. A loop numbers the shapes of the objects that it sends; each lane
// is told what a number means before a body uses it, so a body carries only the values. What it keeps: only what comes
// again has a shape. A list of keys that comes for the first time is remembered as one word of a table that others overwrite, so
// dictionaries of ever-new keys take nothing and spoil nothing. A book that is full is closed, and the next one begins with
// nothing: numbers mean something within one book, a body names its book, and all its shapes are of that one.

const MAX_SHAPES = 1_024
/** An object with more keys, or longer ones, is rather a dictionary. */
export const MAX_KEYS = 32
const MAX_TEXT = 1_024
/** Words of the table of what came once; a power of two. */
const SEEN = 4_096
/** Reads of a shape before a function is compiled for it: what comes once is not worth it. */
const COMPILE_AFTER = 8

/** A list of keys, as a place in the tree of all of them: its parent's keys and one more. */
export class ShapeNode {
  /** Number of the shape that ends here, or -1. */
  id = -1
  readonly depth: number
  /** The child taken last: objects of one kind come in rows. */
  lastKey: string | undefined
  lastNode: ShapeNode | undefined
  /** Of a first key: the body in which an object that begins with it was not sent by its shape, although it began like one. */
  doubtedIn = 0
  readonly children = new Map<string, ShapeNode>()

  constructor(depth: number) {
    this.depth = depth
  }
}

/** Some shapes that one loop sends. */
export class ShapeBook {
  readonly root = new ShapeNode(0)
  readonly #texts: string[] = []
  readonly #seen: Int32Array
  /** How many shapes there are; their numbers are below it. Only the book changes it. */
  count = 0

  /** @param before the book before it: what came once while that was open may come again now */
  constructor(before?: ShapeBook) {
    this.#seen = before === undefined ? new Int32Array(SEEN) : before.#seen
  }

  /** Whether it takes no more shapes. */
  get full(): boolean {
    return this.count >= MAX_SHAPES
  }

  /** The keys of a shape, as a JSON array. */
  text(id: number): string {
    return this.#texts[id] as string
  }

  /** One key further. Undefined where no shape goes on like that. */
  step(node: ShapeNode, key: string): ShapeNode | undefined {
    const next = node.children.get(key)
    if (next === undefined) return undefined
    node.lastKey = key
    node.lastNode = next
    return next
  }

  /** The shape of an object with these keys; undefined if it has none. */
  find(keys: readonly string[]): ShapeNode | undefined {
    let node: ShapeNode | undefined = this.root
    for (const key of keys) {
      node = this.step(node, key)
      if (node === undefined) return undefined
    }
    return node.id < 0 ? undefined : node
  }

  /** An object with these keys had no shape. @returns whether it has one now, since it is not the first of its kind */
  see(keys: readonly string[]): boolean {
    if (keys.length === 0 || keys.length > MAX_KEYS || this.full) return false
    let length = 0
    let hash = 0x811c9dc5
    for (const key of keys) {
      length += key.length + 1
      if (length > MAX_TEXT || key === '__proto__') return false
      for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193)
      hash = Math.imul(hash ^ 0x10000, 0x01000193)
    }
    const at = (hash ^ (hash >>> 16)) & (SEEN - 1)
    if (this.#seen[at] !== hash) {
      this.#seen[at] = hash
      return false
    }
    return this.#add(keys)
  }

  /** @returns whether it was not there yet */
  #add(keys: readonly string[]): boolean {
    let node = this.root
    for (const key of keys) {
      let next = node.children.get(key)
      if (next === undefined) {
        next = new ShapeNode(node.depth + 1)
        node.children.set(key, next)
      }
      node = next
    }
    if (node.id >= 0) return false
    node.id = this.count++
    this.#texts.push(JSON.stringify(keys))
    return true
  }
}

/** The books of one loop, one after another. */
export class ShapeBooks {
  #last = new ShapeBook()
  /** Bodies that were begun, by all writers: each has a number of its own. */
  bodies = 0

  /** The one that takes new shapes. */
  open(): ShapeBook {
    if (this.#last.full) this.#last = new ShapeBook(this.#last)
    return this.#last
  }
}

/** Gives the next value of the body that is being read. */
interface Values {
  value(): unknown
  /** An object is there, before its values are. */
  begun(object: object): void
}

/** A shape at its reader: makes objects of it. */
export class Shape {
  readonly keys: readonly string[]
  #make: ((values: Values) => object) | undefined
  #makeLinked: ((values: Values) => object) | undefined
  #reads = 0

  /** @param text JSON array of keys. @throws Error for anything else, and for `__proto__` */
  constructor(text: string) {
    const keys: unknown = JSON.parse(text)
    if (!Array.isArray(keys) || keys.length > MAX_KEYS || !keys.every(isKey)) {
      throw new RangeError(`no list of keys: ${text.slice(0, 100)}`)
    }
    this.keys = keys
  }

  /** An object with the next values. @param linked whether other values may refer to it, also its own */
  read(values: Values, linked: boolean): object {
    const make = linked ? this.#makeLinked : this.#make
    if (make !== undefined) return make(values)
    if (++this.#reads >= COMPILE_AFTER) {
      if (linked) this.#makeLinked = compileLinked(this.keys)
      else this.#make = compile(this.keys)
    }
    const object: Record<string, unknown> = {}
    if (linked) values.begun(object)
    for (const key of this.keys) object[key] = values.value()
    return object
  }
}

function isKey(key: unknown): key is string {
  return typeof key === 'string' && key !== '__proto__'
}

/** An object literal is made several times faster than key by key. */
function compile(keys: readonly string[]): ((values: Values) => object) | undefined {
  const fields = keys.map(key => `${JSON.stringify(key)}:v.value()`)
  return made(`return {${fields.join(',')}}`)
}

function compileLinked(keys: readonly string[]): ((values: Values) => object) | undefined {
  const names = keys.map(key => JSON.stringify(key))
  const fields = names.map(name => `${name}:undefined`)
  const sets = names.map(name => `o[${name}]=v.value();`)
  return made(`const o={${fields.join(',')}};v.begun(o);${sets.join('')}return o`)
}

/** False where code may not be made from text. */
let compiles = true

function made(code: string): ((values: Values) => object) | undefined {
  if (!compiles) return undefined
  try {
    return new Function('v', code) as (values: Values) => object
  } catch {
    compiles = false
    return undefined
  }
}

/** The keys of an object's fields, as far as there is something in them. */
export function keysOf(object: Readonly<Record<string, unknown>>): string[] {
  return Object.keys(object).filter(key => object[key] !== undefined)
}
