// The reader: lives on the host loop, does the I/O and feeds the parsers. Each lane has one file in flight, so memory
// is bounded, and takes its next when the last is answered, so a thread that is faster gets more. There are many lanes
// per thread: no thread may run dry while an answer or a file is on its way.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { agent, CancelledError } from 'ringreeve'
import { Counted, Parse, Progress, Take } from './messages.js'
import { type Refusal, reasonOf } from './tree.js'

/** How often the reporter hears, in ms. */
const EVERY = 80

export function reader(lanes: number) {
  return agent('reader', { description: 'feeds the files of a plan to the parsers' }).on(
    Take,
    async ({ run, plan }, ctx) => {
      const { files } = plan
      const ofBytes = files.reduce((sum, file) => sum + file.bytes, 0)
      let [next, done, bytes, functions, refused, told] = [0, 0, 0, 0, plan.refused.length, 0]

      const refuse = (refusal: Refusal): Promise<void> =>
        ctx.publish(Counted, { run, refused: refusal }, { topic: `census/${run}` })
      const tell = (): Promise<void> =>
        ctx.publish(
          Progress,
          { run, files: done, ofFiles: files.length, bytes, ofBytes, refused, functions },
          { topic: `progress/${run}` },
        )

      const lane = async (key: number): Promise<void> => {
        for (let file = files[next++]; file !== undefined && !ctx.cancelled; file = files[next++]) {
          try {
            const content = await readFile(join(plan.root, file.path)).catch(error => reasonOf(error))
            if (typeof content === 'string') {
              refused += 1
              await refuse({ path: file.path, kind: 'unreadable', reason: content })
            } else {
              const brief = await ctx.send(Parse, { run, file, bytes: content }, `parser/${key}`)
              functions += brief.functions
              if (!brief.parsed) refused += 1
            }
          } catch (error) {
            if (error instanceof CancelledError || ctx.cancelled) return
            refused += 1
            await refuse({ path: file.path, kind: 'parser failed', reason: reasonOf(error) })
          }
          done += 1
          bytes += file.bytes
          if (performance.now() - told > EVERY) {
            told = performance.now()
            await tell()
          }
        }
      }

      await Promise.all(plan.refused.map(refuse))
      await Promise.all(Array.from({ length: lanes }, (_, key) => lane(key)))
      await tell()
    },
  )
}
