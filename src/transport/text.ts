// Texts of frames as bytes: names, and the sender's own message ids. What it keeps: whatever the text, it is the same one at
// the other end. Half a surrogate pair has no UTF-8, so a text with one is UTF-16, and its frame says so (`Flag.WIDE`).
const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** The bytes of a text; UTF-16 if it is not well formed, and UTF-8 otherwise. */
export function textBytes(text: string): Uint8Array {
  return text.isWellFormed() ? encoder.encode(text) : Buffer.from(text, 'utf16le')
}

/** The text of bytes. @param wide whether they are UTF-16 */
export function textFrom(bytes: Uint8Array, wide: boolean): string {
  if (!wide) return decoder.decode(bytes)
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf16le')
}
