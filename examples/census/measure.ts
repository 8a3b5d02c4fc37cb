// One file's bytes to its measures and fingerprints. Pure: the same bytes give the same answer on every thread, and
// the program that measures the machine's own limit runs exactly this.
import { createHash } from 'node:crypto'
import type { AnyNode } from 'acorn'
import { type Fingerprints, fingerprint, HASHES, LEAST_NODES } from './fingerprint.js'
import { hashText, type Kind, walk } from './nodes.js'
import { parse, Unparsable } from './syntax.js'
import type { FileEntry, Refusal } from './tree.js'

export interface FunctionMeasure {
  readonly name: string
  /** Where it begins. */
  readonly line: number
  /** How many lines it has. */
  readonly lines: number
  /** Cyclomatic: one, and one for each place where its path may part. */
  readonly complexity: number
}

export interface FileMeasure {
  readonly path: string
  readonly package: string
  readonly bytes: number
  readonly lines: number
  readonly nodes: number
  readonly functions: number
  /** Of all functions and of the code outside of them. */
  readonly complexity: number
  /** Names of variables and properties, each time they occur, */
  readonly identifiers: number
  /** and each once. */
  readonly distinct: number
  /** The functions with the most lines. */
  readonly longest: readonly FunctionMeasure[]
  /** The functions of the highest complexity. */
  readonly knotted: readonly FunctionMeasure[]
}

/** What there is to say of one file. */
export interface FileResult {
  readonly measure: FileMeasure
  readonly prints: Fingerprints
  /** SHA-256 of both. Made here, because here many threads are at work; what gathers them is one. */
  readonly digest: string
}

export type Measured = FileResult | { readonly refused: Refusal }

/** A function while the walk is in it. */
interface Open {
  readonly node: AnyNode
  readonly name: string
  complexity: number
  codes: number[]
}

/** Files name at most so many functions. */
const NAMED = 5
const FUNCTION = hashText('a function')
const anonymous = '(anonymous)'

/** Like git: text has no zero byte in its first 8,000. */
function isBinary(bytes: Uint8Array): boolean {
  const at = bytes.subarray(0, 8000).indexOf(0)
  return at >= 0
}

const decoder = new TextDecoder()

function lineStarts(text: string): number[] {
  const starts = [0]
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  return starts
}

function lineAt(starts: readonly number[], offset: number): number {
  let low = 0
  let high = starts.length
  while (high - low > 1) {
    const middle = (low + high) >>> 1
    if (starts[middle]! <= offset) low = middle
    else high = middle
  }
  return low + 1
}

/** The name that a key or a target gives to the function beside it. */
function nameIn(node: AnyNode): string {
  if (node.type === 'Identifier') return node.name
  if (node.type === 'PrivateIdentifier') return `#${node.name}`
  if (node.type === 'Literal') return String(node.value)
  return node.type === 'MemberExpression' && !node.computed ? nameIn(node.property) : anonymous
}

class Measurer {
  readonly #file: FileEntry
  readonly #starts: readonly number[]
  readonly #names = new Map<AnyNode, string>()
  readonly #distinct = new Set<string>()
  readonly #open: Open[] = []
  readonly #functions: FunctionMeasure[] = []
  readonly #prints = { names: [] as string[], lines: [] as number[], nodes: [] as number[], exact: [] as number[] }
  readonly #signatures: Uint32Array[] = []
  #top: Open
  #nodes = 0
  #identifiers = 0
  #complexity = 0

  constructor(file: FileEntry, text: string) {
    this.#file = file
    this.#starts = lineStarts(text)
    this.#top = {
      node: { type: 'Program', start: 0, end: text.length } as AnyNode,
      name: '(top level)',
      complexity: 1,
      codes: [],
    }
  }

  run(root: AnyNode): Measured {
    walk(
      root,
      (node, kind) => this.#enter(node, kind),
      () => this.#leave(),
    )
    this.#complexity += this.#top.complexity
    this.#compare(this.#top)
    const { path, package: packageName, bytes } = this.#file
    const longest = [...this.#functions].sort((a, b) => b.lines - a.lines || a.line - b.line)
    const knotted = [...this.#functions].sort((a, b) => b.complexity - a.complexity || a.line - b.line)
    const signatures = new Uint32Array(this.#signatures.length * HASHES)
    this.#signatures.forEach((signature, i) => {
      signatures.set(signature, i * HASHES)
    })
    const measure: FileMeasure = {
      path,
      package: packageName,
      bytes,
      lines: this.#starts.length,
      nodes: this.#nodes,
      functions: this.#functions.length,
      complexity: this.#complexity,
      identifiers: this.#identifiers,
      distinct: this.#distinct.size,
      longest: longest.slice(0, NAMED),
      knotted: knotted.slice(0, NAMED),
    }
    const prints: Fingerprints = { ...this.#prints, signatures }
    const { names, lines, nodes, exact } = prints
    const digest = createHash('sha256')
      .update(JSON.stringify([measure, names, lines, nodes, exact]))
      .update(signatures)
    return { measure, prints, digest: digest.digest('hex') }
  }

  #identifier(name: string): void {
    this.#identifiers += 1
    this.#distinct.add(name)
  }

  /** A property's name stays in the fingerprint, a variable's does not: copies are renamed, and minified, but do the same. */
  #named(key: AnyNode): number {
    if (key.type !== 'Identifier' && key.type !== 'PrivateIdentifier')
      return key.type === 'Literal' ? hashText(String(key.value)) : 0
    this.#identifier(key.name)
    return hashText(key.name)
  }

  #enter(node: AnyNode, kind: Kind): string | undefined {
    this.#nodes += 1
    if (kind.isFunction) this.#enterFunction(node)
    let code = kind.code
    let skip: string | undefined
    switch (node.type) {
      case 'Identifier':
        this.#identifier(node.name)
        break
      case 'Literal':
        code ^= node.regex === undefined ? hashText(typeof node.value) : 1
        break
      case 'MemberExpression':
        if (!node.computed) {
          code ^= this.#named(node.property)
          skip = 'property'
        }
        break
      case 'Property':
      case 'MethodDefinition':
      case 'PropertyDefinition':
        if (!node.computed) {
          // In `{ a }` key and value are the same name; it is counted once, as the value.
          if (!(node.type === 'Property' && node.shorthand)) code ^= this.#named(node.key)
          skip = 'key'
        }
        if (node.value) this.#nameFor(node.value, node.key)
        break
      case 'VariableDeclarator':
        if (node.init) this.#nameFor(node.init, node.id)
        break
      case 'AssignmentExpression':
        if (node.operator === '&&=' || node.operator === '||=' || node.operator === '??=') this.#top.complexity += 1
        this.#nameFor(node.right, node.left)
        code ^= hashText(node.operator)
        break
      case 'LogicalExpression':
        this.#top.complexity += 1
        code ^= hashText(node.operator)
        break
      case 'BinaryExpression':
      case 'UnaryExpression':
      case 'UpdateExpression':
        code ^= hashText(node.operator)
        break
      case 'IfStatement':
      case 'ConditionalExpression':
      case 'ForStatement':
      case 'ForInStatement':
      case 'ForOfStatement':
      case 'WhileStatement':
      case 'DoWhileStatement':
      case 'CatchClause':
        this.#top.complexity += 1
        break
      case 'SwitchCase':
        if (node.test) this.#top.complexity += 1
        break
    }
    this.#top.codes.push(code >>> 0)
    return skip
  }

  #nameFor(value: AnyNode, target: AnyNode): void {
    if (value.type === 'FunctionExpression' || value.type === 'ArrowFunctionExpression') {
      this.#names.set(value, nameIn(target))
    }
  }

  #enterFunction(node: AnyNode): void {
    const own = 'id' in node && node.id && 'name' in node.id ? node.id.name : undefined
    this.#open.push(this.#top)
    this.#top = { node, name: own ?? this.#names.get(node) ?? anonymous, complexity: 1, codes: [] }
  }

  #leave(): void {
    const { node, name, complexity, codes } = this.#top
    const line = lineAt(this.#starts, node.start)
    this.#functions.push({ name, line, lines: lineAt(this.#starts, node.end) - line + 1, complexity })
    this.#complexity += complexity
    const compared = this.#compare(this.#top)
    this.#top = this.#open.pop()!
    if (compared) this.#top.codes.push(FUNCTION)
    else for (const code of codes) this.#top.codes.push(code)
  }

  /** Whether the function is long enough to be compared for itself; if not, its code is part of what is around it. */
  #compare({ node, name, codes }: Open): boolean {
    if (codes.length < LEAST_NODES) return false
    const signature = new Uint32Array(HASHES)
    const exact = fingerprint(codes, signature)
    if (exact === undefined) return true
    this.#prints.names.push(name)
    this.#prints.lines.push(lineAt(this.#starts, node.start))
    this.#prints.nodes.push(codes.length)
    this.#prints.exact.push(exact)
    this.#signatures.push(signature)
    return true
  }
}

/** Measures one file, or says why it cannot be. Never throws for what is in the file. */
export function measureFile(file: FileEntry, bytes: Uint8Array): Measured {
  const refuse = (kind: Refusal['kind'], reason: string): Measured => ({ refused: { path: file.path, kind, reason } })
  if (isBinary(bytes)) return refuse('binary', 'has zero bytes')
  try {
    const text = decoder.decode(bytes)
    return new Measurer(file, text).run(parse(file.path, text))
  } catch (error) {
    if (error instanceof Unparsable) return refuse(error.kind, error.message)
    return refuse('parser failed', error instanceof Error ? error.message : String(error))
  }
}
