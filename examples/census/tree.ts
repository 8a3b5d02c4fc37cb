// Finds the JavaScript files of a tree. Nothing is left out without a word: what cannot be read, is too large, is no
// plain file or is a link that leads in circles, nowhere or out of the tree is named with the reason. Links are never
// followed, so that no file is counted twice and no loop is entered.
import type { Dirent } from 'node:fs'
import { lstat, readdir, realpath, stat } from 'node:fs/promises'
import { basename, dirname, join, sep } from 'node:path'

/** Larger files are named, not parsed: they are bundles by machine, and one of them would keep a thread for seconds. */
export const MOST_BYTES = 2 * 1024 * 1024

export interface FileEntry {
  /** From the root of the tree, with slashes. */
  readonly path: string
  /** The package it belongs to. */
  readonly package: string
  readonly bytes: number
}

export type RefusalKind =
  | 'syntax error'
  | 'binary'
  | 'too large'
  | 'too deeply nested'
  | 'unreadable'
  | 'not a file'
  | 'link loop'
  | 'broken link'
  | 'link out of the tree'
  | 'parser failed'

/** A file that is counted but not measured, and why. */
export interface Refusal {
  readonly path: string
  readonly kind: RefusalKind
  readonly reason: string
}

/** What there is to do: the same plan is given to both engines. */
export interface Plan {
  readonly root: string
  /** Largest first, so that no big file is left for the end, when other threads have nothing more to do. */
  readonly files: readonly FileEntry[]
  readonly refused: readonly Refusal[]
  /** Links to what is in the tree anyway; it is counted once, where it is. */
  readonly links: number
}

interface Walk {
  readonly root: string
  readonly files: FileEntry[]
  readonly refused: Refusal[]
  /** Folders yet to be read, each with the package that it is in. */
  readonly folders: { readonly path: string; readonly package: string }[]
  links: number
}

const script = /\.[cm]?js$/

/** Compares as `<` does, not by locale: the order must be the same on every machine and thread. */
export function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { code } = error as NodeJS.ErrnoException
  return code === undefined ? error.message : `${code}: ${error.message.replace(/^\w+: |, \w+ '.*$/g, '')}`
}

/**
 * The package of a file: the last `node_modules/<name>` of its path, else the nearest folder with a package.json,
 * else the first folder of the tree.
 */
function packageOf(walk: Walk, folder: string, names: ReadonlySet<string>, parent: string): string {
  const inside = folder.slice(walk.root.length + 1)
  const parts = [basename(walk.root), ...inside.split(sep).filter(part => part !== '')]
  const at = parts.lastIndexOf('node_modules')
  const first = parts[at + 1]
  if (at >= 0 && first !== undefined) {
    const second = parts[at + 2]
    return first.startsWith('@') && second !== undefined ? `${first}/${second}` : first
  }
  if (names.has('package.json')) return inside === '' ? parts[0]! : inside.replaceAll(sep, '/')
  if (parent === parts[0] && parts.length === 2) return parts[1]!
  return parent
}

async function lookAtLink(walk: Walk, folder: string, path: string, shown: string): Promise<void> {
  const refuse = (kind: RefusalKind, reason: string): void => void walk.refused.push({ path: shown, kind, reason })
  let target: string
  try {
    target = await realpath(path)
  } catch (error) {
    const loop = (error as NodeJS.ErrnoException).code === 'ELOOP'
    refuse(loop ? 'link loop' : 'broken link', reasonOf(error))
    return
  }
  if (`${folder}${sep}`.startsWith(target === sep ? sep : `${target}${sep}`)) {
    refuse('link loop', 'leads back to a folder that it is in')
    return
  }
  const found = await stat(target).catch(() => undefined)
  if (found?.isDirectory() !== true && !script.test(target) && !script.test(path)) return
  if (target.startsWith(`${walk.root}${sep}`)) walk.links += 1
  else refuse('link out of the tree', 'not followed')
}

async function lookAt(walk: Walk, folder: string, packageName: string, entry: Dirent): Promise<void> {
  const path = join(folder, entry.name)
  const shown = path.slice(walk.root.length + 1).replaceAll(sep, '/')
  if (entry.isSymbolicLink()) return lookAtLink(walk, folder, path, shown)
  if (entry.isDirectory()) {
    walk.folders.push({ path, package: packageName })
    return
  }
  if (!script.test(entry.name)) return
  const refuse = (kind: RefusalKind, reason: string): void => void walk.refused.push({ path: shown, kind, reason })
  if (!entry.isFile()) return refuse('not a file', 'a pipe, socket or device')
  try {
    const { size } = await lstat(path)
    if (size > MOST_BYTES)
      refuse('too large', `${(size / 1e6).toFixed(1)} MB, over the ${MOST_BYTES / 2 ** 20} MiB that is parsed`)
    else walk.files.push({ path: shown, package: packageName, bytes: size })
  } catch (error) {
    refuse('unreadable', reasonOf(error))
  }
}

/**
 * Looks through a folder, or takes a single file.
 * @param limit at most so many files, the first by path
 * @param signal ends the search with what has been found
 * @throws when the path itself is not there
 */
export async function discover(path: string, limit = Number.POSITIVE_INFINITY, signal?: AbortSignal): Promise<Plan> {
  const real = await realpath(path)
  const found = await stat(real)
  if (found.isFile()) {
    const folder = dirname(real)
    const file = { path: basename(real), package: basename(folder), bytes: found.size }
    return { root: folder, files: [file], refused: [], links: 0 }
  }
  if (!found.isDirectory()) throw new Error(`${path} is neither a folder nor a file`)
  const walk: Walk = {
    root: real,
    files: [],
    refused: [],
    folders: [{ path: real, package: basename(real) }],
    links: 0,
  }
  for (let folder = walk.folders.pop(); folder !== undefined && signal?.aborted !== true; folder = walk.folders.pop()) {
    try {
      const entries = await readdir(folder.path, { withFileTypes: true })
      const names = new Set(entries.map(entry => entry.name))
      const here = folder.path
      const name = packageOf(walk, here, names, folder.package)
      await Promise.all(entries.map(entry => lookAt(walk, here, name, entry)))
    } catch (error) {
      const shown = folder.path.slice(real.length + 1).replaceAll(sep, '/')
      walk.refused.push({ path: shown === '' ? '.' : shown, kind: 'unreadable', reason: reasonOf(error) })
    }
  }
  const files = walk.files.sort((a, b) => byText(a.path, b.path)).slice(0, limit)
  files.sort((a, b) => b.bytes - a.bytes || byText(a.path, b.path))
  return { root: real, files, refused: walk.refused.sort((a, b) => byText(a.path, b.path)), links: walk.links }
}
