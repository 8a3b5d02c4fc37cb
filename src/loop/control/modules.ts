// Loading agent modules on the loop that will run them. Only what the application named is loaded. TypeScript is
// loaded as it is where Node takes it (22.18 and later), and through tsx where the project has it.
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { type AnyAgent, isAgent } from '../../agent/definition.js'
import { InvalidArgumentError, ModuleError, textOf } from '../../agent/errors.js'
import { type Interceptor, isInterceptor } from '../../agent/interceptor.js'

/** What a module exports for us. */
export interface Exports {
  readonly agents: readonly AnyAgent[]
  readonly interceptors: readonly Interceptor[]
}

/** Agent modules that this thread is loading, for every copy of the library that they may import. Only on threads of ours. */
const loading = Symbol.for('ringreeve.loading')
const thread = globalThis as { [loading]?: number }

/** This thread belongs to a runtime: its agent modules make none. */
export function refuseRuntimes(): void {
  thread[loading] = 0
}

/** @throws InvalidArgumentError in an agent module that is being loaded: each of its threads would load it again, for ever */
export function checkNoModule(): void {
  if ((thread[loading] ?? 0) === 0) return
  throw new InvalidArgumentError(
    'createRuntime() was called by a module that is being loaded on a thread for its agents; ' +
      'keep agents and program in two files, or ask isMainThread of node:worker_threads first',
  )
}

/** Loads a module and picks out its agents and interceptors. @throws ModuleError */
export async function loadModule(url: string): Promise<Exports> {
  let namespace: Record<string, unknown>
  if (thread[loading] !== undefined) thread[loading]++
  try {
    namespace = await importModule(url)
  } catch (error) {
    const why = textOf(error)
    throw new ModuleError(`agent module ${url} could not be loaded: ${why}${hint(url, error)}`, { cause: error })
  } finally {
    if (thread[loading] !== undefined) thread[loading]--
  }
  const values = [...new Set(Object.values(namespace))]
  return { agents: values.filter(isAgent), interceptors: values.filter(isInterceptor) }
}

async function importModule(url: string): Promise<Record<string, unknown>> {
  try {
    return (await import(url)) as Record<string, unknown>
  } catch (error) {
    if (!isForTsx(url, error)) throw error
    return importWithTsx(url, error)
  }
}

/** What Node cannot load and tsx can: TypeScript at all, more of it than types, or `./x.js` for `./x.ts`, as `tsc` has it. */
function isForTsx(url: string, error: unknown): boolean {
  if (!/\.[cm]?tsx?$/.test(new URL(url).pathname)) return false
  if (isUnknownExtension(error) || codeOf(error) === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX') return true
  const missing = missingFile(error)
  return missing !== undefined && /js$/.test(missing) && twinOf(missing) !== undefined
}

async function importWithTsx(url: string, refused: unknown): Promise<Record<string, unknown>> {
  let api: string
  try {
    // require.resolve() would pick what tsx has for require(); what it has for import is named in its package.json
    const file = createRequire(url).resolve('tsx/package.json')
    const { exports } = createRequire(url)(file) as { exports: { './esm/api': { import: { default: string } } } }
    api = new URL(exports['./esm/api'].import.default, pathToFileURL(file)).href
  } catch {
    throw refused
  }
  const tsx = (await import(api)) as { tsImport(url: string, parent: string): Promise<Record<string, unknown>> }
  return tsx.tsImport(url, url)
}

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown } | undefined)?.code
}

function isUnknownExtension(error: unknown): boolean {
  return codeOf(error) === 'ERR_UNKNOWN_FILE_EXTENSION'
}

/** The file that an import did not find. Node 20 names it in the text only. */
function missingFile(error: unknown): string | undefined {
  if (codeOf(error) !== 'ERR_MODULE_NOT_FOUND') return undefined
  const { url, message } = error as { url?: unknown; message?: unknown }
  if (typeof url === 'string') return url.startsWith('file:') ? pathOf(url) : undefined
  return /^Cannot find module '([^']+)' imported/.exec(String(message))?.[1]
}

function pathOf(url: string): string {
  return fileURLToPath(url.replace(/[?#].*$/, ''))
}

/** The source beside a compiled file, or what a source was compiled to, if it is there. */
function twinOf(file: string): string | undefined {
  const twins = /js$/.test(file)
    ? [file.replace(/js$/, 'ts'), file.replace(/js$/, 'tsx')]
    : [file.replace(/tsx?$/, 'js')]
  return twins.find(twin => twin !== file && existsSync(twin))
}

function hint(url: string, error: unknown): string {
  const isSource = /\.[cm]?tsx?$/.test(new URL(url).pathname)
  if (isUnknownExtension(error))
    return '. This Node does not load TypeScript: install tsx beside your code, or compile first'
  if (isSource && codeOf(error) === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX')
    return '. Node only strips types: install tsx beside your code, or compile first'
  if (!url.startsWith('file:')) return ''
  const file = pathOf(url)
  // Node keeps the place of a syntax error for the message of a process that ends by it
  if (error instanceof SyntaxError) return error.stack?.startsWith('file:') ? '' : `. "node ${file}" shows the place`
  if (codeOf(error) !== 'ERR_MODULE_NOT_FOUND') return ''
  if (!existsSync(file)) {
    const twin = twinOf(file)
    if (twin === undefined) return '. Was it compiled, and is the URL made with import.meta.url?'
    return isSource
      ? `. ${twin} is there: give the URL of what was compiled, new URL('./${basename(twin)}', import.meta.url)`
      : `. ${twin} is there: compile it, or give the URL of the source`
  }
  const missing = missingFile(error) // what it imports, or something further on
  const twin = missing === undefined ? undefined : twinOf(missing)
  if (missing === undefined || twin === undefined) return ''
  return /js$/.test(missing)
    ? `. ${twin} is there: import './${basename(twin)}', install tsx beside your code, or compile first`
    : `. ${twin} is there: import './${basename(twin)}'`
}
