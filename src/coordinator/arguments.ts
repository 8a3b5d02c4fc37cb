// What the calls of a runtime are given beside agents and messages, and whether it makes sense. What it keeps: whatever is wrong
// is told before anything has begun.
import { constants } from 'node:os'
import { isAbsolute } from 'node:path'
import { checkFunction, checkKnown, checkMs, shown } from '../agent/check.js'
import { isAgent } from '../agent/definition.js'
import { AlreadyExistsError, InvalidArgumentError, ModuleError } from '../agent/errors.js'
import type { RunOptions, StopOptions } from './api.js'
import type { AgentSource, RuntimeOptions } from './options.js'

const STOP_MS = 5_000
const SAVE_MS = 30_000

/** @throws InvalidArgumentError for what is no limit of a time; Infinity is one */
function checkLimit(what: string, ms: unknown): void {
  if (typeof ms === 'number' && ms >= 0) return
  throw new InvalidArgumentError(`${what}: timeout is a number of milliseconds from 0, got ${shown(ms)}`)
}

/** Options of a stop, with those that were not given. @throws InvalidArgumentError */
export function stopOptions(what: string, given: StopOptions = {}): Required<StopOptions> {
  checkKnown(what, given, { drain: true, timeout: true })
  const { drain = true, timeout = STOP_MS } = given
  if (typeof drain !== 'boolean') throw new InvalidArgumentError(`${what}: drain is true or false, got ${shown(drain)}`)
  checkLimit(what, timeout)
  return { drain, timeout }
}

/** Options of a run, likewise. @throws InvalidArgumentError */
export function runOptions(given: RunOptions = {}): Required<RunOptions> {
  checkKnown('run()', given, { drain: true, timeout: true, signals: true })
  const { signals = ['SIGINT', 'SIGTERM'], ...stop } = given
  if (!Array.isArray(signals)) {
    throw new InvalidArgumentError(`run(): signals takes an array, ['SIGTERM'], got ${shown(signals)}`)
  }
  for (const signal of signals) {
    if (signal === 'SIGKILL' || signal === 'SIGSTOP') {
      throw new InvalidArgumentError(`run(): signals: nobody can listen to ${signal}`)
    }
    if (Object.hasOwn(constants.signals, signal)) continue
    throw new InvalidArgumentError(`run(): signals takes names like 'SIGTERM', got ${shown(signal)}`)
  }
  return { ...stopOptions('run()', stop), signals }
}

/** How long a save may take. @throws InvalidArgumentError */
export function saveLimit(what: string, given: { readonly timeout?: number } = {}): number {
  checkKnown(what, given, { timeout: true })
  const { timeout = SAVE_MS } = given
  checkLimit(what, timeout)
  return timeout
}

/** How often a condition is looked at. @throws InvalidArgumentError */
export function lookEvery(condition: unknown, given: { readonly every?: number } = {}): number {
  checkFunction('stopWhen()', condition)
  checkKnown('stopWhen()', given, { every: true })
  const { every = 10 } = given
  checkMs('stopWhen(): every', every, 0)
  return every
}

/** The URL of a module. @throws InvalidArgumentError, ModuleError */
export function moduleUrl(source: URL | string, option: string): string {
  if (source instanceof URL) return source.href
  if (typeof source === 'string' && /^(file|data):/.test(source)) return source
  const got = shown(source)
  if (typeof source !== 'string') {
    const what = option === 'agents' ? "what agent('…') returned" : 'what interceptor({…}) returned'
    throw new InvalidArgumentError(
      `${option}: takes ${what}, and URLs of modules, new URL('./${option}.js', import.meta.url); got ${got}`,
    )
  }
  throw new ModuleError(
    isAbsolute(source)
      ? `${option}: ${got} is not a URL; write pathToFileURL(${got}), from node:url`
      : `${option}: ${got} is not a URL; write new URL(${got}, import.meta.url)`,
  )
}

/** What a runtime starts with. @throws AlreadyExistsError for a module that is given twice; InvalidArgumentError, ModuleError */
export function checkSources(sources: readonly AgentSource[]): void {
  const urls = sources.filter(source => !isAgent(source)).map(source => moduleUrl(source as URL | string, 'agents'))
  const twice = urls.find((url, at) => urls.indexOf(url) !== at)
  if (twice !== undefined) throw new AlreadyExistsError(`agents: ${twice} is given twice`)
}

/** Whether the heaps of its threads have an end that somebody has set. */
export function isLimited({ resourceLimits }: RuntimeOptions): boolean {
  return resourceLimits?.maxOldGenerationSizeMb !== undefined
}
