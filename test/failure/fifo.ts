// A named pipe: who reads it is inside a native call until somebody writes, and cannot be ended.
import { execFileSync } from 'node:child_process'
import { closeSync, constants, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Makes a pipe. Dispose of it to let go of those that read it: else this process could not end. */
export function pipe(): Disposable & { readonly path: string } {
  const folder = mkdtempSync(join(tmpdir(), 'ringreeve-fifo-'))
  const path = join(folder, 'fifo')
  execFileSync('mkfifo', [path])
  const letGo = (): void => {
    try {
      closeSync(openSync(path, constants.O_WRONLY | constants.O_NONBLOCK))
    } catch {
      // nobody reads it
    }
    rmSync(folder, { recursive: true })
  }
  return { path, [Symbol.dispose]: letGo }
}
