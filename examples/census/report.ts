// The report of a census: canonical, that is, a function of what is in the files alone. It holds no times, no order of
// arrival and no run id, so two engines that saw the same files must give the same JSON, byte for byte.
import { createHash } from 'node:crypto'
import { type ComparedFunction, type CopyGroup, groupCopies, type SharedCode, sharedCode } from './duplicates.js'
import { HASHES } from './fingerprint.js'
import type { FileMeasure, FileResult, FunctionMeasure } from './measure.js'
import { byText, type Refusal } from './tree.js'

/** How many rows the lists of the report have. */
const ROWS = 20
/** Packages whose shared code is drawn. */
const DRAWN = 40

export interface Bin {
  readonly label: string
  readonly count: number
}

export interface PackageLine {
  readonly name: string
  readonly files: number
  readonly bytes: number
  readonly functions: number
  /** Nodes of its compared functions, */
  readonly nodes: number
  /** and of those that are copies of code in other packages. */
  readonly copied: number
}

export type FunctionLine = FunctionMeasure & { readonly path: string; readonly package: string }
export type FileLine = Omit<FileMeasure, 'longest' | 'knotted'>

export interface CensusReport {
  readonly version: 1
  readonly root: string
  readonly totals: {
    readonly found: number
    readonly parsed: number
    readonly refused: number
    /** Files of the plan of which nothing was heard: not 0 only when the census was cut short. */
    readonly missing: number
    readonly links: number
    readonly packages: number
    readonly bytes: number
    readonly lines: number
    readonly nodes: number
    readonly functions: number
    readonly complexity: number
    readonly identifiers: number
  }
  readonly largest: readonly FileLine[]
  readonly mostComplex: readonly FileLine[]
  readonly longestFunctions: readonly FunctionLine[]
  readonly complexFunctions: readonly FunctionLine[]
  readonly sizes: readonly Bin[]
  readonly complexities: readonly Bin[]
  readonly copies: {
    /** Functions long enough to be compared, and the nodes in them. */
    readonly compared: number
    readonly comparedNodes: number
    readonly groups: number
    readonly functions: number
    readonly spare: number
    readonly across: { readonly groups: number; readonly functions: number; readonly spare: number }
    /** Groups across packages first. */
    readonly top: readonly CopyGroup[]
    readonly pairs: readonly SharedCode[]
  }
  readonly packages: readonly PackageLine[]
  readonly refused: readonly Refusal[]
  readonly refusedByKind: readonly Bin[]
  /** SHA-256 of every measure of every file and every compared function, also of those not listed above. */
  readonly digest: string
}

/** What the census was of. */
export interface Subject {
  readonly root: string
  /** Files that were found, whether to be parsed or refused at sight. */
  readonly found: number
  readonly links: number
}

/** What has been gathered of one census. */
export interface Gathered {
  readonly files: Map<string, FileResult>
  readonly refused: Map<string, Refusal>
}

/** Counts values in bins that double in width: 0 to 1, up to 2, up to 4 … */
function bins(values: readonly number[], unit: number, name: (limit: number) => string): Bin[] {
  const counts: number[] = []
  for (const value of values) {
    const bin = Math.max(0, Math.ceil(Math.log2(value / unit)))
    while (counts.length <= bin) counts.push(0)
    counts[bin]! += 1
  }
  return counts.map((count, i) => ({ label: name(unit * 2 ** i), count }))
}

function sizeName(limit: number): string {
  return limit < 1024 ? `${limit} B` : limit < 2 ** 20 ? `${limit / 1024} K` : `${limit / 2 ** 20} M`
}

function top<T>(items: readonly T[], value: (item: T) => number, tie: (a: T, b: T) => number): T[] {
  return [...items].sort((a, b) => value(b) - value(a) || tie(a, b)).slice(0, ROWS)
}

const withoutLists = ({ longest: _longest, knotted: _knotted, ...line }: FileMeasure): FileLine => line
const byFile = (a: { path: string }, b: { path: string }): number => byText(a.path, b.path)
const byFunction = (a: FunctionLine, b: FunctionLine): number =>
  byText(a.path, b.path) || a.line - b.line || byText(a.name, b.name)
const sum = <T>(items: readonly T[], value: (item: T) => number): number =>
  items.reduce((total, item) => total + value(item), 0)

function packageLines(
  files: readonly FileMeasure[],
  functions: readonly ComparedFunction[],
  across: readonly CopyGroup[],
): PackageLine[] {
  const lines = new Map<string, { -readonly [K in keyof PackageLine]: PackageLine[K] }>()
  const of = (name: string) => {
    const line = lines.get(name) ?? { name, files: 0, bytes: 0, functions: 0, nodes: 0, copied: 0 }
    lines.set(name, line)
    return line
  }
  for (const file of files) {
    const line = of(file.package)
    line.files += 1
    line.bytes += file.bytes
    line.functions += file.functions
  }
  for (const item of functions) of(item.package).nodes += item.nodes
  for (const { members } of across) for (const member of members) of(member.package).copied += member.nodes
  return [...lines.values()].sort((a, b) => b.bytes - a.bytes || byText(a.name, b.name))
}

/**
 * Makes the report.
 * @param met what each band says: sets of functions, by exact hash, that may be copies
 */
export function buildReport(subject: Subject, gathered: Gathered, met: readonly (readonly number[])[]): CensusReport {
  const entries = [...gathered.files.values()].sort((a, b) => byText(a.measure.path, b.measure.path))
  const files = entries.map(entry => entry.measure)
  const refused = [...gathered.refused.values()].sort(byFile)
  const digest = createHash('sha256')
  const functions: ComparedFunction[] = []
  const signatures = new Map<number, Uint32Array>()
  for (const { measure, prints, digest: ofFile } of entries) {
    digest.update(ofFile)
    const { path, package: packageName } = measure
    prints.exact.forEach((exact, i) => {
      signatures.set(exact, prints.signatures.subarray(i * HASHES, (i + 1) * HASHES))
      functions.push({
        path,
        package: packageName,
        name: prints.names[i]!,
        line: prints.lines[i]!,
        nodes: prints.nodes[i]!,
        exact,
      })
    })
  }
  digest.update(JSON.stringify(refused))
  const groups = groupCopies(functions, signatures, met)
  const across = groups.filter(group => group.packages.length > 1)
  const packages = packageLines(files, functions, across)
  const kinds = [...new Set(refused.map(refusal => refusal.kind))].sort(byText)
  const lines = (list: 'longest' | 'knotted'): FunctionLine[] =>
    files.flatMap(({ path, package: packageName, ...file }) =>
      file[list].map(item => ({ ...item, path, package: packageName })),
    )
  return {
    version: 1,
    root: subject.root,
    totals: {
      found: subject.found,
      parsed: files.length,
      refused: refused.length,
      missing: subject.found - files.length - refused.length,
      links: subject.links,
      packages: packages.length,
      bytes: sum(files, file => file.bytes),
      lines: sum(files, file => file.lines),
      nodes: sum(files, file => file.nodes),
      functions: sum(files, file => file.functions),
      complexity: sum(files, file => file.complexity),
      identifiers: sum(files, file => file.identifiers),
    },
    largest: top(files, file => file.bytes, byFile).map(withoutLists),
    mostComplex: top(files, file => file.complexity, byFile).map(withoutLists),
    longestFunctions: top(lines('longest'), item => item.lines, byFunction),
    complexFunctions: top(lines('knotted'), item => item.complexity, byFunction),
    sizes: bins(
      files.map(file => file.bytes),
      128,
      sizeName,
    ),
    complexities: bins(
      files.map(file => file.complexity),
      1,
      String,
    ),
    copies: {
      compared: functions.length,
      comparedNodes: sum(functions, item => item.nodes),
      groups: groups.length,
      functions: sum(groups, group => group.members.length),
      spare: sum(groups, group => group.spare),
      across: {
        groups: across.length,
        functions: sum(across, group => group.members.length),
        spare: sum(across, group => group.spare),
      },
      top: [...across, ...groups.filter(group => group.packages.length === 1)].slice(0, ROWS),
      pairs: sharedCode(across).slice(0, DRAWN),
    },
    packages,
    refused,
    refusedByKind: kinds.map(kind => ({ label: kind, count: refused.filter(refusal => refusal.kind === kind).length })),
    digest: digest.digest('hex'),
  }
}

/** A short name of a whole report; equal reports have equal names. */
export function reportHash(report: CensusReport): string {
  return createHash('sha256').update(JSON.stringify(report)).digest('hex').slice(0, 16)
}
