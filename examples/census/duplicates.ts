// From functions that met in a band to groups of copies. The outcome depends only on the set of functions: order of
// arrival changes nothing, because everything is sorted before it is compared and groups are connected components.
import { similarity } from './fingerprint.js'
import { byText } from './tree.js'

/** Functions at least so alike are copies of each other. */
export const ALIKE = 0.85
/** In a band where very many different functions meet, each is compared with so many that follow it, by hash. */
const WINDOW = 300

export interface ComparedFunction {
  readonly path: string
  readonly package: string
  readonly name: string
  readonly line: number
  readonly nodes: number
  readonly exact: number
}

export interface CopyGroup {
  /** By path and line. */
  readonly members: readonly ComparedFunction[]
  readonly packages: readonly string[]
  /** Nodes of all members but the largest: what would go if one of them served all. */
  readonly spare: number
  /** Whether they are equal but for names of variables and for literals. */
  readonly exact: boolean
}

class Components {
  readonly #parents = new Map<number, number>()

  root(item: number): number {
    let root = item
    for (let parent = this.#parents.get(root); parent !== undefined; parent = this.#parents.get(root)) root = parent
    if (root !== item) this.#parents.set(item, root)
    return root
  }

  join(a: number, b: number): void {
    const [rootA, rootB] = [this.root(a), this.root(b)]
    if (rootA !== rootB) this.#parents.set(Math.max(rootA, rootB), Math.min(rootA, rootB))
  }
}

export function byPlace(a: ComparedFunction, b: ComparedFunction): number {
  return byText(a.path, b.path) || a.line - b.line || byText(a.name, b.name) || a.exact - b.exact
}

/**
 * Groups functions that are copies of each other, the group with the most spare nodes first.
 * @param functions all functions that were compared
 * @param signatures by exact hash
 * @param met of every band, the sets of exact hashes that met in it
 */
export function groupCopies(
  functions: readonly ComparedFunction[],
  signatures: ReadonlyMap<number, Uint32Array>,
  met: readonly (readonly number[])[],
): CopyGroup[] {
  const components = new Components()
  for (const group of met) {
    const hashes = [...group].sort((a, b) => a - b)
    for (let i = 0; i < hashes.length; i++) {
      const one = signatures.get(hashes[i]!)
      for (let j = i + 1; j < hashes.length && j <= i + WINDOW; j++) {
        const other = signatures.get(hashes[j]!)
        if (one !== undefined && other !== undefined && similarity(one, other) >= ALIKE)
          components.join(hashes[i]!, hashes[j]!)
      }
    }
  }
  const groups = new Map<number, ComparedFunction[]>()
  for (const item of functions) {
    const root = components.root(item.exact)
    const group = groups.get(root)
    if (group === undefined) groups.set(root, [item])
    else group.push(item)
  }
  return [...groups.values()]
    .filter(members => members.length > 1)
    .map(describe)
    .sort((a, b) => b.spare - a.spare || byPlace(a.members[0]!, b.members[0]!))
}

function describe(unsorted: ComparedFunction[]): CopyGroup {
  const members = unsorted.sort(byPlace)
  const nodes = members.map(member => member.nodes)
  return {
    members,
    packages: [...new Set(members.map(member => member.package))].sort(byText),
    spare: nodes.reduce((sum, count) => sum + count, 0) - nodes.reduce((most, count) => Math.max(most, count), 0),
    exact: members.every(member => member.exact === members[0]!.exact),
  }
}

/** Two packages and how many nodes of copied code they share. */
export interface SharedCode {
  readonly a: string
  readonly b: string
  readonly nodes: number
}

/** Which packages share code; the pair that shares most comes first. */
export function sharedCode(groups: readonly CopyGroup[]): SharedCode[] {
  const shared = new Map<string, SharedCode>()
  for (const { members, packages } of groups) {
    const nodes = new Map<string, number>()
    for (const member of members) nodes.set(member.package, (nodes.get(member.package) ?? 0) + member.nodes)
    packages.forEach((a, i) => {
      for (const b of packages.slice(i + 1)) {
        const key = JSON.stringify([a, b])
        const common = Math.min(nodes.get(a) ?? 0, nodes.get(b) ?? 0)
        shared.set(key, { a, b, nodes: (shared.get(key)?.nodes ?? 0) + common })
      }
    })
  }
  return [...shared.values()].sort((x, y) => y.nodes - x.nodes || byText(x.a, y.a) || byText(x.b, y.b))
}
