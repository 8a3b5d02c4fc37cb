// Agent types that all hear one topic. As many as are wanted are exported by a module that is written when it is needed:
// a type is one export, and nobody writes a thousand of them down.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type AnyAgent, agent, event } from 'ringreeve'

export const Noise = event<unknown>('noise')

/** Types that hear topic type `to-<n>`, each pinned to a thread, so that they are spread over all threads evenly. */
export function listeners(n: number): AnyAgent[] {
  return Array.from({ length: n }, (_, i) =>
    agent(`listener-${n}-${i}`, { subscriptions: [`to-${n}`], threads: 1 }).on(Noise, () => {}),
  )
}

/** A module that exports them, until it is disposed of. */
export async function listenersModule(sizes: readonly number[]): Promise<AsyncDisposable & { readonly url: URL }> {
  const folder = await mkdtemp(join(tmpdir(), 'ringreeve-bench-'))
  const file = join(folder, 'listeners.mjs')
  const exported = sizes.map(n => {
    const names = Array.from({ length: n }, (_, i) => `listener${n}x${i}`)
    return `export const [${names.join(', ')}] = listeners(${n})\n`
  })
  await writeFile(file, `import { listeners } from ${JSON.stringify(import.meta.url)}\n${exported.join('')}`)
  return {
    url: pathToFileURL(file),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  }
}
