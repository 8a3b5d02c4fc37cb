// The objects of a body, by number, in the order in which they are begun: what comes again is written as its number, so it is one
// object at the other end too, and a cycle ends. It costs little where nothing comes again: a few objects are looked through,
// many are kept in a set, and only once one of these has come again their numbers are kept.
const FEW = 12

/** The objects that were begun in the body that is being written. */
export class Begun {
  readonly #objects: (object | undefined)[] = []
  #many: Set<object> | undefined
  #numbers: Map<object, number> | undefined
  /** How many there are. */
  count = 0

  /** @returns the number of an object that was begun before; -1 for any other, which is begun now */
  begin(object: object): number {
    if (this.#many !== undefined) return this.#beginMany(object, this.#many)
    const objects = this.#objects
    const { count } = this
    for (let i = 0; i < count; i++) if (objects[i] === object) return i
    objects[count] = object
    this.count = count + 1
    if (count === FEW) this.#many = new Set(objects.slice(0, this.count) as object[])
    return -1
  }

  /** Begins what has a number already, in vain. */
  beginAgain(): void {
    this.#objects[this.count++] = undefined
  }

  #beginMany(object: object, many: Set<object>): number {
    const { size } = many
    many.add(object)
    if (many.size === size) return this.#numberOf(object)
    this.#numbers?.set(object, this.count)
    this.#objects[this.count++] = object
    return -1
  }

  #numberOf(object: object): number {
    if (this.#numbers === undefined) {
      this.#numbers = new Map()
      for (let i = 0; i < this.count; i++) {
        const begun = this.#objects[i]
        if (begun !== undefined) this.#numbers.set(begun, i)
      }
    }
    return this.#numbers.get(object) as number
  }

  /** Forgets all but the first `count`. */
  cut(count: number): void {
    for (let i = count; i < this.count; i++) {
      const object = this.#objects[i]
      this.#objects[i] = undefined
      if (object === undefined) continue
      this.#many?.delete(object)
      this.#numbers?.delete(object)
    }
    this.count = count
  }

  /** Forgets all: none of them is held. */
  clear(): void {
    if (this.#many === undefined) {
      for (let i = 0; i < this.count; i++) this.#objects[i] = undefined
    } else {
      this.#many = undefined
      this.#numbers = undefined
      this.#objects.length = 0
    }
    this.count = 0
  }
}
