// The way into a runtime. What it keeps: agent modules import the public surface on every thread, and most never make a
// runtime of their own; so nothing that only the maker of a runtime needs is loaded before one is made.
import { availableParallelism } from 'node:os'
import type { ResourceLimits } from 'node:worker_threads'
import { checkKnown, shown } from '../agent/check.js'
import { isAgent } from '../agent/definition.js'
import { InvalidArgumentError } from '../agent/errors.js'
import { checkRestarts } from '../agent/options.js'
import { siteOf } from '../loop/base/sites.js'
import { checkNoModule } from '../loop/control/modules.js'
import type { Runtime } from './api.js'
import type { RuntimeOptions } from './options.js'

const known: Readonly<Record<keyof RuntimeOptions, true>> = {
  threads: true,
  agents: true,
  interceptors: true,
  autoStart: true,
  unhandledErrors: true,
  log: true,
  ringBytes: true,
  wait: true,
  deadLetters: true,
  maxZombies: true,
  resourceLimits: true,
  recycleAt: true,
  asyncContext: true,
  restarts: true,
  loadTimeout: true,
  clock: true,
}

const limits: Readonly<Record<keyof ResourceLimits, true>> = {
  maxOldGenerationSizeMb: true,
  maxYoungGenerationSizeMb: true,
  codeRangeSizeMb: true,
  stackSizeMb: true,
}

function checkOptions(options: RuntimeOptions): number {
  checkKnown('createRuntime', options, known)
  const { threads, ringBytes, agents } = options
  checkRestarts('restarts', options.restarts)
  if (options.deadLetters !== undefined) {
    checkKnown('createRuntime: deadLetters', options.deadLetters, {
      capacity: true,
      maxBytes: true,
      unheardEvents: true,
    })
  }
  if (options.resourceLimits !== undefined) {
    checkKnown('createRuntime: resourceLimits', options.resourceLimits, limits)
  }
  const { capacity, maxBytes } = options.deadLetters ?? {}
  for (const [option, value] of Object.entries({ capacity, maxBytes })) {
    if (value === undefined || (Number.isInteger(value) && value >= 1)) continue
    throw new InvalidArgumentError(`deadLetters.${option} must be a whole number of at least 1, got ${shown(value)}`)
  }
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 0 && threads <= 256)) {
    throw new InvalidArgumentError(`threads must be a whole number from 0 (single loop) to 256, got ${shown(threads)}`)
  }
  if (
    ringBytes !== undefined &&
    !(
      typeof ringBytes === 'number' &&
      ringBytes >= 65_536 &&
      ringBytes <= 67_108_864 &&
      (ringBytes & (ringBytes - 1)) === 0
    )
  ) {
    throw new InvalidArgumentError(
      `ringBytes must be a power of two from 65,536 to 67,108,864, got ${shown(ringBytes)}`,
    )
  }
  const { recycleAt, loadTimeout } = options
  if (loadTimeout !== undefined && !(Number.isFinite(loadTimeout) && loadTimeout > 0)) {
    throw new InvalidArgumentError(`loadTimeout must be milliseconds, more than 0, got ${shown(loadTimeout)}`)
  }
  if (recycleAt !== undefined && !(typeof recycleAt === 'number' && recycleAt >= 0 && recycleAt <= 1)) {
    throw new InvalidArgumentError(
      `recycleAt must be a share of the heap's limit from 0 (never) to 1, got ${shown(recycleAt)}`,
    )
  }
  if (agents !== undefined && !Array.isArray(agents)) {
    throw new InvalidArgumentError(
      "agents must be an array of agent definitions and module URLs: [new URL('./agents.js', import.meta.url)]",
    )
  }
  if (options.interceptors !== undefined && !Array.isArray(options.interceptors)) {
    throw new InvalidArgumentError(
      "interceptors must be an array of interceptors and module URLs: [new URL('./audit.js', import.meta.url)]",
    )
  }
  if (options.log !== undefined && typeof options.log !== 'function') {
    throw new InvalidArgumentError(`log must be a function that is called with each entry, got ${shown(options.log)}`)
  }
  const { unhandledErrors } = options
  if (unhandledErrors !== undefined && unhandledErrors !== 'log' && unhandledErrors !== 'throw') {
    throw new InvalidArgumentError(`unhandledErrors must be 'log' or 'throw', got ${shown(unhandledErrors)}`)
  }
  const { asyncContext } = options
  if (asyncContext !== undefined && asyncContext !== 'none' && asyncContext !== 'sender') {
    throw new InvalidArgumentError(`asyncContext must be 'none' or 'sender', got ${shown(asyncContext)}`)
  }
  if (options.wait !== undefined && options.wait !== 'poll' && options.wait !== 'park') {
    throw new InvalidArgumentError(`wait must be 'poll' or 'park', got ${JSON.stringify(options.wait)}`)
  }
  const switches = { autoStart: options.autoStart, 'deadLetters.unheardEvents': options.deadLetters?.unheardEvents }
  for (const [option, given] of Object.entries(switches)) {
    if (given !== undefined && typeof given !== 'boolean')
      throw new InvalidArgumentError(`${option} must be true or false, got ${shown(given)}`)
  }
  const { maxZombies } = options
  if (maxZombies !== undefined && !(Number.isInteger(maxZombies) && maxZombies >= 0)) {
    throw new InvalidArgumentError(`maxZombies must be a whole number from 0, got ${shown(maxZombies)}`)
  }
  for (const [limit, given] of Object.entries(options.resourceLimits ?? {})) {
    if (given === undefined || (typeof given === 'number' && given > 0)) continue
    throw new InvalidArgumentError(`resourceLimits: ${limit} must be a number of megabytes, got ${shown(given)}`)
  }
  if (options.clock !== undefined && typeof options.clock?.after !== 'function') {
    throw new InvalidArgumentError(`clock must be a Clock, as of ringreeve/testing, got ${shown(options.clock)}`)
  }
  if (options.clock !== undefined && threads !== 0) {
    throw new InvalidArgumentError('clock: only the single loop can go by a clock of yours; give threads: 0 with it')
  }
  const wanted = threads ?? (agents?.some(source => !isAgent(source)) ? availableParallelism() : 0)
  if (wanted > 0 && 'Deno' in globalThis) {
    throw new InvalidArgumentError(
      `threads: got ${wanted}, but Deno gives a thread message ports that are not Node's (they have no on()), so only the single ` +
        'loop works there; give threads: 0, or run it on Node',
    )
  }
  return wanted
}

/**
 * Makes a runtime and starts it (unless `autoStart` is false).
 * @param options all optional; see {@link RuntimeOptions} for the defaults
 * @throws InvalidArgumentError, ModuleError (an agent module cannot be loaded or exports no agent), AlreadyExistsError
 * @example
 * await using runtime = await createRuntime({ threads: 2, agents: [new URL('./agents.js', import.meta.url)] })
 */
export async function createRuntime(options: RuntimeOptions = {}): Promise<Runtime> {
  checkNoModule()
  const threads = checkOptions(options)
  const site = siteOf(createRuntime)
  const { LocalRuntime } = await import('./runtime.js')
  const runtime = new LocalRuntime(options, threads)
  await runtime.begin(site)
  return runtime
}
