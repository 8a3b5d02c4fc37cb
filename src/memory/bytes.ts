// How much memory a value takes, about: enough to bound a memory by. Counted by walking it, without a copy.

const OBJECT = 16
const FIELD = 8

/** Bytes of a value that is plain data; what it holds more than once counts once. */
export function bytesOf(value: unknown): number {
  if (typeof value === 'string') return OBJECT + 2 * value.length
  if (typeof value !== 'object' || value === null) return FIELD
  const seen = new Set<object>()
  const open: unknown[] = [value]
  let bytes = 0
  while (open.length > 0) {
    const one = open.pop()
    bytes += FIELD
    if (typeof one === 'string') bytes += OBJECT + 2 * one.length
    if (typeof one !== 'object' || one === null || seen.has(one)) continue
    seen.add(one)
    bytes += OBJECT
    if (ArrayBuffer.isView(one) || one instanceof ArrayBuffer) bytes += one.byteLength
    else if (Array.isArray(one) || one instanceof Set) for (const part of one) open.push(part)
    else if (one instanceof Map) for (const [key, field] of one) open.push(key, field)
    else for (const [key, field] of Object.entries(one)) open.push(key, field)
  }
  return bytes
}
