// Texts that others made, as long as they may be where they are only to be read.

/** The beginning of a text that is longer than that, and how long it is. */
export function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most)}… (${text.length} characters)`
}
