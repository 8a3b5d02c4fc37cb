// Shapes: which keys an object has, in which order. A loop numbers the shapes of the objects that it sends; each lane
// is told what a number means before a body uses it, so a body carries only the values. Numbers are never used again,
// so whoever was told once knows for good. What has too many keys, or comes after the book is full, travels as a map.

const MAX_SHAPES = 1_024
const MAX_NODES = 8_192
const MAX_BRANCHES = 256
/** An object with more keys is rather a dictionary. */
export const MAX_KEYS = 32
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
  /** Of a first key: whether an object that begins with it was not sent by its shape. */
  doubtful = false
  readonly children = new Map<string, ShapeNode>()
  readonly key: string
  readonly parent: ShapeNode | undefined

  constructor(key: string, parent: ShapeNode | undefined) {
    this.key = key
    this.parent = parent
    this.depth = parent === undefined ? 0 : parent.depth + 1
  }
}

/** The shapes that one loop sends. */
export class ShapeBook {
  readonly root = new ShapeNode('', undefined)
  readonly #texts: string[] = []
  #nodes = 1
  /** How many shapes there are; their numbers are below it. Only the book changes it. */
  count = 0

  /** The keys of a shape, as a JSON array. */
  text(id: number): string {
    return this.#texts[id] as string
  }

  /** One key further. Undefined when the tree is to grow no more: then the object is not sent by its shape. */
  step(node: ShapeNode, key: string): ShapeNode | undefined {
    let next = node.children.get(key)
    if (next === undefined) {
      if (this.#nodes >= MAX_NODES || node.children.size >= MAX_BRANCHES || node.depth >= MAX_KEYS) return undefined
      if (key === '__proto__') return undefined
      next = new ShapeNode(key, node)
      node.children.set(key, next)
      this.#nodes++
    }
    node.lastKey = key
    node.lastNode = next
    return next
  }

  /** Whether an object can be sent by its shape. */
  takes(object: Readonly<Record<string, unknown>>): boolean {
    let node: ShapeNode | undefined = this.root
    for (const key in object) {
      if (object[key] === undefined) continue
      node = this.step(node, key)
      if (node === undefined) return false
    }
    return this.number(node) >= 0
  }

  /** An object could not be sent by its shape: others that begin like it are to be looked at first. */
  doubt(object: Readonly<Record<string, unknown>>): void {
    for (const key in object) {
      if (object[key] === undefined) continue
      const first = this.root.children.get(key)
      if (first !== undefined) first.doubtful = true
      return
    }
  }

  /** The number of the shape that ends at a node; -1 when the book is full. */
  number(node: ShapeNode): number {
    if (node.id >= 0 || this.count >= MAX_SHAPES) return node.id
    const keys: string[] = []
    for (let at = node; at.parent !== undefined; at = at.parent) keys.unshift(at.key)
    this.#texts.push(JSON.stringify(keys))
    node.id = this.count++
    return node.id
  }
}

/** Gives the next value of the body that is being read. */
interface Values {
  value(): unknown
}

/** A shape at its reader: makes objects of it. */
export class Shape {
  readonly keys: readonly string[]
  #make: ((values: Values) => object) | undefined
  #reads = 0

  /** @param text JSON array of keys. @throws Error for anything else, and for `__proto__` */
  constructor(text: string) {
    const keys: unknown = JSON.parse(text)
    if (!Array.isArray(keys) || keys.length > MAX_KEYS || !keys.every(isKey)) {
      throw new RangeError(`no list of keys: ${text.slice(0, 100)}`)
    }
    this.keys = keys
  }

  /** An object with the next values. */
  read(values: Values): object {
    if (this.#make !== undefined) return this.#make(values)
    if (++this.#reads === COMPILE_AFTER) this.#make = compile(this.keys)
    const object: Record<string, unknown> = {}
    for (const key of this.keys) object[key] = values.value()
    return object
  }
}

function isKey(key: unknown): key is string {
  return typeof key === 'string' && key !== '__proto__'
}

/** An object literal is made several times faster than key by key. Undefined where code may not be made from text. */
function compile(keys: readonly string[]): ((values: Values) => object) | undefined {
  const fields = keys.map(key => `${JSON.stringify(key)}:v.value()`)
  try {
    return new Function('v', `return {${fields.join(',')}}`) as (values: Values) => object
  } catch {
    return undefined
  }
}
