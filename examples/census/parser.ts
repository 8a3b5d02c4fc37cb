// The parser: runs on the threads, one agent per lane of the reader. What it finds it publishes straight to those who
// gather it, thread to thread; only a brief goes back to the host. A file is counted after its functions have gone to
// the bands, so that a census that is cut short counts no file whose functions nobody has compared.
import { agent } from 'ringreeve'
import { BANDS, bandKey } from './fingerprint.js'
import { measureFile } from './measure.js'
import { Banded, Counted, Parse } from './messages.js'

export const parser = agent('parser', { description: 'measures and fingerprints one file' }).on(
  Parse,
  async ({ run, file, bytes }, ctx) => {
    const found = measureFile(file, bytes)
    const topic = `census/${run}`
    if ('refused' in found) {
      await ctx.publish(Counted, { run, ...found }, { topic })
      return { parsed: false, functions: 0 }
    }
    const { exact, signatures } = found.prints
    const keys = (band: number): number[] => exact.map((_, i) => bandKey(signatures, i, band))
    const bands = Array.from({ length: exact.length > 0 ? BANDS : 0 }, (_, band) =>
      ctx.publish(Banded, { run, keys: keys(band), exact }, { topic: `band/${band}` }),
    )
    await Promise.all(bands)
    await ctx.publish(Counted, { run, ...found }, { topic })
    return { parsed: true, functions: found.measure.functions }
  },
)
