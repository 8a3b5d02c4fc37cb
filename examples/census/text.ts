// Numbers and columns for people.

export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

export function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1)
}

export function size(bytes: number): string {
  return bytes < 1e3 ? `${bytes} B` : bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${megabytes(bytes)} MB`
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`
}

export function percent(part: number, whole: number): string {
  return whole === 0 ? '0 %' : `${((100 * part) / whole).toFixed(1)} %`
}

export function engineName(threads: number): string {
  return threads === 0 ? 'single loop' : threads === 1 ? '1 thread' : `${threads} threads`
}

/** Names come from files that anybody may have written: none may move the cursor or colour the screen. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, control => `\\x${control.charCodeAt(0).toString(16).padStart(2, '0')}`)
}

/** Cuts at the left, where paths have least to say. */
export function shorten(text: string, width: number): string {
  return text.length <= width ? text : `…${text.slice(text.length - width + 1)}`
}

export interface Column {
  readonly title: string
  readonly right?: boolean
  readonly width?: number
}

/** A table as lines of text. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const cells = rows.map(row => row.map((cell, i) => shorten(printable(cell), columns[i]?.width ?? 60)))
  const widths = columns.map((column, i) => Math.max(column.title.length, ...cells.map(row => row[i]?.length ?? 0)))
  const line = (row: readonly string[]): string =>
    `  ${row.map((cell, i) => (columns[i]?.right ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!))).join('  ')}`.trimEnd()
  return [line(columns.map(column => column.title)), ...cells.map(line)].join('\n')
}
