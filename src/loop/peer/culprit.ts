// What in a value cannot cross threads, for the message of the error: where it is, and not its source text.
const names = { function: 'a function', symbol: 'a symbol' } as Readonly<Record<string, string>>
const MOST = 10_000

/** The first function, symbol, promise or weak collection in a value, with its place; undefined when none is found. */
export function culprit(value: unknown): string | undefined {
  const seen = new Set<unknown>()
  const look = (part: unknown, place: string): string | undefined => {
    const what = names[typeof part] ?? kindOf(part)
    if (what !== undefined) return place === '' ? `it is ${what}` : `${place} is ${what}`
    if (typeof part !== 'object' || part === null || ArrayBuffer.isView(part) || seen.has(part)) return undefined
    if (seen.add(part).size > MOST) return undefined
    for (const [key, field] of Object.entries(part)) {
      const found = look(field, Array.isArray(part) ? `${place}[${key}]` : place === '' ? key : `${place}.${key}`)
      if (found !== undefined) return found
    }
    return undefined
  }
  try {
    return look(value, '')
  } catch {
    return undefined // a getter that throws, or nesting without end: what the codec says must do
  }
}

function kindOf(part: unknown): string | undefined {
  if (part instanceof Promise) return 'a promise (await it first)'
  if (part instanceof WeakMap || part instanceof WeakSet || part instanceof WeakRef) return `a ${part.constructor.name}`
  return undefined
}
