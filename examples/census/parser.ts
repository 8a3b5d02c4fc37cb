// The parser: runs on the threads, one agent per lane of the reader. What it finds it publishes straight to those who
// gather it, thread to thread; only a brief goes back to the host.
import { agent } from 'ringreeve'
import { BANDS, bandKey } from './fingerprint.js'
import { measureFile } from './measure.js'
import { Banded, Counted, Parse } from './messages.js'

export const parser = agent('parser', { description: 'measures and fingerprints one file' }).on(
  Parse,
  async ({ run, file, bytes }, ctx) => {
    const found = measureFile(file, bytes)
    const sent = [ctx.publish(Counted, { run, ...found }, { topic: `census/${run}` })]
    if ('refused' in found) {
      await Promise.all(sent)
      return { parsed: false, functions: 0 }
    }
    const { exact, signatures } = found.prints
    for (let band = 0; band < BANDS && exact.length > 0; band++) {
      const keys = exact.map((_, i) => bandKey(signatures, i, band))
      sent.push(ctx.publish(Banded, { run, keys, exact }, { topic: `band/${band}` }))
    }
    await Promise.all(sent)
    return { parsed: true, functions: found.measure.functions }
  },
)
