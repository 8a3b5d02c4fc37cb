// One process of the machine's limit: gets its share of files, reads them, and on 'go' measures them all.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { BANDS, bandKey } from './fingerprint.js'
import { measureFile } from './measure.js'
import type { FileEntry } from './tree.js'

interface Share {
  readonly root: string
  readonly files: readonly FileEntry[]
}

let work: { readonly file: FileEntry; readonly bytes: Uint8Array }[] = []

function load({ root, files }: Share): void {
  work = files.flatMap(file => {
    try {
      return [{ file, bytes: readFileSync(join(root, file.path)) }]
    } catch {
      // The census names it; here it is no work for anybody.
      return []
    }
  })
}

/** Returns something that depends on all the work, so that none of it can be left out. */
function measureAll(): number {
  let check = 0
  for (const { file, bytes } of work) {
    const found = measureFile(file, bytes)
    if ('refused' in found) continue
    const { exact, signatures } = found.prints
    for (let band = 0; band < BANDS; band++)
      for (let i = 0; i < exact.length; i++) check ^= bandKey(signatures, i, band)
  }
  return check
}

process.on('message', (message: Share | 'go') => {
  if (message === 'go') process.send?.(measureAll())
  else {
    load(message)
    process.send?.('ready')
  }
})
