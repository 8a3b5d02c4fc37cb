// The documentation of the public names, checked. Run with `npm run check:docs`. The rules:
//
// - Public is what the entry points in package.json `exports` export. Each such name, type or value, has a docstring: words
//   before the first tag, and at least one `@example`. So has each overload of a function words of its own.
// - The example of a value (function, class, constant) uses it by name. That of a type may do without: options and events
//   are shown where they are given and got.
// - Each member of a public class, interface or object type has words. Not meant: what is private, what has a symbol for a
//   name, and constructors (the class says how it is made). Nor is anything that another package declares.
// - All of an `@example` is code, down to the next tag. It is compiled against the built package as a user gets it, with
//   the project's settings, and so is every ```ts block of README.md and docs/*.md.
// - Examples leave out two things that their reader knows: the imports of public names, and the few agents and messages
//   they are about, which stand in check-docs.cast.ts. They may declare either anew.
//
// What is wrong is told as `file:line: what`, with the line of the docstring itself.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SyntaxKind } from 'typescript/unstable/ast'
import { API, SymbolFlags } from 'typescript/unstable/sync'

const root = fileURLToPath(new URL('..', import.meta.url))
/** `file:line`. */
const at = (file, line) => `${relative(root, file)}:${line}`
const { name: packageName, exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
/** Names, by what to import them from; `type` when that must be said. */
const publicNames = new Map()
/** Code to compile, with the line of its own file that each line stands on. */
const examples = []
const problems = []

/** What the comment that ends at `end` says: its words, and its examples line by line. */
function readDoc(file, text, end) {
  const begin = text.lastIndexOf('/**', end)
  let line = text.slice(0, begin).split('\n').length
  const doc = { line, words: '', examples: [] }
  let current
  let tagged = false
  for (const raw of text.slice(begin, end).split('\n')) {
    const content = raw.replace(/\s*\*\/$/, '').replace(/^\s*(\/\*\*|\*) ?/, '')
    const [, tag, rest] = /^\s*@(\w+) ?(.*)$/.exec(content) ?? []
    if (tag !== undefined) {
      tagged = true
      current = tag === 'example' ? { file, lines: [] } : undefined
      if (current !== undefined) doc.examples.push(current)
      if (rest !== '') current?.lines.push({ line, code: rest })
    } else if (current !== undefined) current.lines.push({ line, code: content })
    else if (!tagged) doc.words += content
    line++
  }
  return doc
}

/** The docstring of a declaration, or where it should be. */
function docOf(node, text) {
  let holder = node
  // a constant's is at its statement
  while (
    holder.jsDoc === undefined &&
    [SyntaxKind.VariableDeclaration, SyntaxKind.VariableDeclarationList].includes(holder.kind)
  )
    holder = holder.parent
  const comment = holder.jsDoc?.at(-1)
  const file = node.getSourceFile().fileName
  return comment === undefined
    ? { line: text.slice(0, node.getStart()).split('\n').length, words: '', examples: [] }
    : readDoc(file, text, comment.end)
}

const isPrivate = node =>
  node.name?.kind === SyntaxKind.PrivateIdentifier ||
  node.name?.kind === SyntaxKind.ComputedPropertyName ||
  node.modifiers?.some(({ kind }) => kind === SyntaxKind.PrivateKeyword || kind === SyntaxKind.ProtectedKeyword)

/** Declarations in this package; of an overloaded function those that its caller sees. */
function declarationsOf(symbol, project) {
  const own = symbol.declarations
    .filter(({ path }) => path.startsWith(join(root, 'src/')))
    .map(declaration => declaration.resolve(project))
  const overloads = own.filter(({ body }) => body === undefined)
  return own.length > 1 && overloads.length > 0 ? overloads : own
}

function checkMembers(name, symbol, project, seen) {
  const type = project.checker.getDeclaredTypeOfSymbol(symbol)
  if (type.isErrorType() || type.isUnionType()) return
  for (const member of project.checker.getPropertiesOfType(type)) {
    for (const node of declarationsOf(member, project)) {
      const file = node.getSourceFile()
      const where = `${file.fileName}:${node.pos}`
      if (seen.has(where) || isPrivate(node)) continue
      seen.add(where)
      const { line, words, examples: own } = docOf(node, file.text)
      examples.push(...own)
      if (words === '') problems.push(`${at(file.fileName, line)}: ${name}.${member.name} has no docstring`)
    }
  }
}

function checkName(name, symbol, project) {
  const isValue = (symbol.flags & SymbolFlags.Value) !== 0
  const declarations = declarationsOf(symbol, project)
  if (declarations.length === 0) return // another package's
  const docs = declarations.map(node => docOf(node, node.getSourceFile().text))
  const file = declarations[0].getSourceFile().fileName
  for (const { line, words } of docs) {
    if (words === '') problems.push(`${at(file, line)}: ${name} has no docstring`)
  }
  const own = docs.flatMap(doc => doc.examples).filter(({ lines }) => lines.some(({ code }) => code.trim() !== ''))
  examples.push(...own)
  if (own.length === 0) problems.push(`${at(file, docs[0].line)}: ${name} has no @example`)
  else if (isValue && !own.some(({ lines }) => lines.some(({ code }) => new RegExp(`\\b${name}\\b`).test(code))))
    problems.push(`${at(file, docs[0].line)}: the example of ${name} does not use it`)
}

/** Looks at every public name; fills `publicNames` and `examples`. */
function checkNames(project) {
  const seen = new Set()
  for (const [subpath, target] of Object.entries(exports)) {
    if (typeof target === 'string') continue // package.json
    const source = target.types.replace('./dist/', 'src/').replace('.d.ts', '.ts')
    const entry = project.program.getSourceFile(join(root, source))
    if (entry === undefined) throw new Error(`${source} is not in tsconfig.build.json, and package.json exports it`)
    for (const exported of project.checker.getExportsOfModule(project.checker.getSymbolAtLocation(entry))) {
      const { name } = exported
      const symbol = exported.flags & SymbolFlags.Alias ? project.checker.getAliasedSymbol(exported) : exported
      const from = packageName + subpath.slice(1)
      if (!publicNames.has(name)) publicNames.set(name, { from, isType: (symbol.flags & SymbolFlags.Value) === 0 })
      checkName(name, symbol, project)
      checkMembers(name, symbol, project, seen)
    }
  }
}

/** Every block of TypeScript in a page. */
function readPage(file) {
  let current
  for (const [index, code] of readFileSync(file, 'utf8').split('\n').entries()) {
    if (current === undefined) {
      if (!/^```ts\b/.test(code)) continue
      current = { file, lines: [] }
      examples.push(current)
    } else if (code.startsWith('```')) current = undefined
    else current.lines.push({ line: index + 1, code })
  }
}

/** What an example declares or imports itself, at its top. */
function declaredIn(code) {
  const declarations =
    /^(?:export )?(?:import(?: type)?|(?:await )?using|const|let|class|(?:async )?function|type|interface) (\{[^}]*\}|\w+)/gm
  return new Set([...code.matchAll(declarations)].flatMap(([, names]) => names.match(/\w+/g) ?? []))
}

/** A module of an example: a first line with its imports, then its lines as they are. */
function moduleOf({ lines }) {
  const code = lines.map(one => one.code).join('\n')
  const declared = declaredIn(code)
  const imports = [...publicNames]
    .filter(([name]) => !declared.has(name) && new RegExp(`(?<!\\w|(?<!\\.\\.)\\.)${name}\\b`).test(code))
    .map(([name, { from, isType }]) => `import { ${isType ? 'type ' : ''}${name} } from '${from}'`)
  return `${[...imports, 'export {}'].join('; ')}\n${code}`
}

/** Compiles all examples in one program. They are files in memory only, in a folder that is not there. */
function compile() {
  const folder = join(root, 'build/examples-of-docs')
  const files = new Map()
  const ofFile = new Map()
  for (const [index, example] of examples.entries()) {
    const file = join(folder, `${index}.ts`)
    files.set(file, moduleOf(example))
    ofFile.set(file, example)
  }
  const cast = join(root, 'scripts/check-docs.cast.ts')
  const config = join(folder, 'tsconfig.json')
  const compilerOptions = {
    noEmit: true,
    rootDir: root,
    // an example may end with the value that it shows, and names what it is given
    noUnusedLocals: false,
    noUnusedParameters: false,
  }
  files.set(
    config,
    JSON.stringify({
      extends: join(root, 'tsconfig.json'),
      compilerOptions,
      include: [],
      files: [cast, ...ofFile.keys()],
    }),
  )
  const fs = {
    readFile: file => files.get(file),
    fileExists: file => files.has(file) || undefined,
    directoryExists: name => name === folder || undefined,
  }
  const api = new API({ cwd: root, fs })
  try {
    const [project] = api.updateSnapshot({ openProjects: [config] }).getProjects()
    const { program } = project
    const found = [
      ...program.getConfigFileParsingDiagnostics(),
      ...program.getProgramDiagnostics(),
      ...program.getGlobalDiagnostics(),
      ...program.getSyntacticDiagnostics(),
      ...program.getSemanticDiagnostics(),
    ]
    for (const diagnostic of found) {
      const { fileName = config, pos } = diagnostic
      const text = files.get(fileName) ?? readFileSync(fileName, 'utf8')
      const index = text.slice(0, pos).split('\n').length - 1
      const example = ofFile.get(fileName)
      const where =
        example === undefined ? at(fileName, index + 1) : at(example.file, example.lines[Math.max(0, index - 1)].line)
      problems.push(`${where}: ${textOf(diagnostic)}`)
    }
  } finally {
    api.close()
  }
}

/** A diagnostic as lines, each reason below what it explains. */
function textOf({ text, messageChain = [] }, indent = '  ') {
  return [text, ...messageChain.map(one => indent + textOf(one, `${indent}  `))].join('\n')
}

if (!existsSync(join(root, 'dist/index.d.ts'))) {
  console.error('build first: npm run build')
  process.exit(2)
}
const api = new API({ cwd: root })
try {
  const [project] = api.updateSnapshot({ openProjects: [join(root, 'tsconfig.build.json')] }).getProjects()
  checkNames(project)
} finally {
  api.close()
}
readPage(join(root, 'README.md'))
for (const page of readdirSync(join(root, 'docs'))) if (page.endsWith('.md')) readPage(join(root, 'docs', page))
compile()
for (const problem of problems) console.error(problem)
console.log(`${publicNames.size} public names, ${examples.length} examples: ${problems.length} problems`)
process.exitCode = problems.length === 0 ? 0 : 1
