// The command line of the census. What is wrong with it is said in one line, before anything is started.
import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'

export const usage = `usage: npm start -- [PATH] [options]

Takes a census of the JavaScript files of a tree, on a single loop and on threads in turn, and checks that both say the
same. PATH is a folder or a file; without it the tree is node_modules of the current folder.

  --threads N       worker threads of the second run (default: as many as this machine runs at once)
  --once ENGINE     only one engine, 'single' or 'threads'
  --passes N        how often each engine goes over the tree (default: 3, the first cold, the others warm)
  --limit N         only the first N files, by path
  --out DIR         where report.html and report.json go (default: census-report)
  --machine-limit   also measure what plain processes, each doing a share of the parsing, make of this machine
  --help            this text`

export type EngineName = 'single' | 'threads'

export interface CensusOptions {
  readonly path: string
  readonly threads: number
  readonly engines: readonly EngineName[]
  readonly passes: number
  readonly limit: number
  readonly out: string
  readonly machineLimit: boolean
  readonly help: boolean
}

/** What the user wrote cannot be done. */
export class UsageError extends Error {}

function whole(name: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise
  if (!/^[1-9]\d*$/.test(text)) throw new UsageError(`--${name} takes a whole number of at least 1, not '${text}'`)
  return Number(text)
}

function engines(text: string | undefined): readonly EngineName[] {
  if (text === undefined) return ['single', 'threads']
  if (text === 'single' || text === 'threads') return [text]
  throw new UsageError(`--once takes 'single' or 'threads', not '${text}'`)
}

/** @throws UsageError */
export function readOptions(args: readonly string[]): CensusOptions {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        threads: { type: 'string' },
        once: { type: 'string' },
        passes: { type: 'string' },
        limit: { type: 'string' },
        out: { type: 'string' },
        'machine-limit': { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    })
    if (positionals.length > 1)
      throw new UsageError(`one PATH is taken, not ${positionals.length}: ${positionals.join(' ')}`)
    return {
      path: resolve(positionals[0] ?? 'node_modules'),
      threads: whole('threads', values.threads, availableParallelism()),
      engines: engines(values.once),
      passes: whole('passes', values.passes, 3),
      limit: whole('limit', values.limit, Number.POSITIVE_INFINITY),
      out: resolve(values.out ?? 'census-report'),
      machineLimit: values['machine-limit'] ?? false,
      help: values.help ?? false,
    }
  } catch (error) {
    throw error instanceof UsageError ? error : new UsageError(error instanceof Error ? error.message : String(error))
  }
}
