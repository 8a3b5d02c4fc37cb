// MinHash: a function becomes 64 numbers such that the share of equal numbers of two functions estimates how much of
// their code is the same (Jaccard similarity of their shingles). Cut into bands, functions that are alike meet in
// at least one band with high probability, and only those that meet are ever compared.

/** Nodes in a row that make one shingle. */
const SHINGLE = 5
export const BANDS = 8
const ROWS = 8
export const HASHES = BANDS * ROWS

/** Functions with fewer nodes of their own are too common to mean anything; their code counts as their parent's. */
export const LEAST_NODES = 60
/** A long table of numbers has few shingles that differ, and looks like every other table of numbers. */
const LEAST_SHINGLES = 30

/** The comparable functions of one file, in columns, because they cross threads by the thousand. */
export interface Fingerprints {
  readonly names: string[]
  readonly lines: number[]
  /** Nodes of its own, without those of the functions in it that are compared for themselves. */
  readonly nodes: number[]
  /** Equal for functions whose code is the same but for names of variables and for literals. */
  readonly exact: number[]
  /** {@link HASHES} numbers for each. */
  readonly signatures: Uint32Array
}

/** Spreads the bits of a number; the last step of MurmurHash3. */
function mix(value: number): number {
  let x = value
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b)
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35)
  return (x ^ (x >>> 16)) >>> 0
}

const factors = Uint32Array.from({ length: HASHES }, (_, i) => mix(2 * i + 1) | 1)
const offsets = Uint32Array.from({ length: HASHES }, (_, i) => mix(2 * i + 2))

/**
 * Fingerprints a function.
 * @param codes its nodes in order, as numbers
 * @param signature where its {@link HASHES} numbers go
 * @returns a hash of exactly this sequence, or undefined if it is too uniform to be compared
 */
export function fingerprint(codes: readonly number[], signature: Uint32Array): number | undefined {
  const shingles = new Set<number>()
  let low = codes.length
  let high = ~codes.length
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i]!
    low = Math.imul(low ^ code, 0x01000193)
    high = Math.imul(high ^ (code >>> 7), 0x85ebca6b) ^ (high >>> 15)
    if (i + SHINGLE > codes.length) continue
    let shingle = 0
    for (let j = 0; j < SHINGLE; j++) shingle = Math.imul(shingle ^ codes[i + j]!, 0x01000193) ^ (shingle >>> 13)
    shingles.add(mix(shingle))
  }
  if (shingles.size < LEAST_SHINGLES) return undefined
  signature.fill(0xffffffff)
  for (const shingle of shingles) {
    for (let i = 0; i < HASHES; i++) {
      const hash = (Math.imul(factors[i]!, shingle) + offsets[i]!) >>> 0
      if (hash < signature[i]!) signature[i] = hash
    }
  }
  // 53 bits: as many as a number holds exactly.
  return mix(high) * 0x200000 + (mix(low) >>> 11)
}

/** The key of one band of a signature: equal if all of its rows are. */
export function bandKey(signatures: Uint32Array, at: number, band: number): number {
  let key = band + 1
  const first = at * HASHES + band * ROWS
  for (let row = first; row < first + ROWS; row++) key = Math.imul(key ^ signatures[row]!, 0x01000193) ^ (key >>> 13)
  return mix(key)
}

/** How alike two functions are, from 0 to 1. */
export function similarity(a: Uint32Array, b: Uint32Array): number {
  let equal = 0
  for (let i = 0; i < HASHES; i++) if (a[i] === b[i]) equal += 1
  return equal / HASHES
}
