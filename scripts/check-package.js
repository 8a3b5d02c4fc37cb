// The package as others get it: packed, judged by publint and are-the-types-wrong, installed into an empty project,
// used from ESM, from require() and from TypeScript. Run with `npm run check:package` after a build.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const project = mkdtempSync(join(tmpdir(), 'ringreeve-consumer-'))
const run = (command, args, cwd) =>
  execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
const bin = name => join(root, 'node_modules', '.bin', name)

const agents = `import { agent, request } from 'ringreeve'
export const Add = request('add')
export const adder = agent('adder', { state: () => ({ sum: 0 }) }).on(Add, (n, ctx) => (ctx.state.sum += n))
`
const esm = `import { createRuntime } from 'ringreeve'
import { createDispatcher } from 'ringreeve/dispatch'
import 'ringreeve/llm'
import { memoryAt } from 'ringreeve/memory'
import { testAgent } from 'ringreeve/testing'
import { Tracer } from 'ringreeve/trace'
import { Add, adder } from './agents.js'
const one = await testAgent(adder)
console.log('esm testing', await one.send(Add, 42))
await one.close()
for (const threads of [0, 2]) {
  await (async () => {
    const runtime = await createRuntime({ threads, agents: [new URL('./agents.js', import.meta.url)] })
    await runtime.send(Add, 40, 'adder/a')
    await createDispatcher(runtime)
    if (!memoryAt(runtime, 'memory/x') || new Tracer().size > 0) throw new Error('a subpath is not what it should be')
    console.log('esm', threads, await runtime.send(Add, 2, 'adder/a'))
    await runtime.close()
  })()
}
`
const cjs = `const { pathToFileURL } = require('node:url')
const { createRuntime, request } = require('ringreeve')
const Add = request('add')
createRuntime({ threads: 1, agents: [pathToFileURL(__dirname + '/agents.js')] }).then(async runtime => {
  console.log('cjs', await runtime.send(Add, 42, 'adder/a'))
  await runtime.close()
})
`
const types = `import { agent, createRuntime, request } from 'ringreeve'
const Add = request<{ a: number; b: number }, number>('add')
export const adder = agent('adder').on(Add, ({ a, b }) => a + b)
export async function main(): Promise<number> {
  const runtime = await createRuntime({ agents: [adder] })
  return runtime.handle(adder).send(Add, { a: 1, b: 2 })
}
`

function expectLines(what, output, lines) {
  for (const line of lines)
    if (!output.split('\n').includes(line)) throw new Error(`${what}: no line '${line}' in\n${output}`)
  console.log(`ok ${what}`)
}

try {
  const [packed] = JSON.parse(run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', project], root))
  const tarball = join(project, packed.filename)
  const files = packed.files.map(file => file.path)
  for (const needed of [
    'dist/index.js',
    'dist/index.d.ts',
    'dist/loop/thread.js',
    'README.md',
    'LICENSE',
    'package.json',
  ]) {
    if (!files.includes(needed)) throw new Error(`the package lacks ${needed}`)
  }
  const stray = files.filter(path => !/^(dist|src)\/|^(README|CHANGELOG)\.md$|^LICENSE$|^package\.json$/.test(path))
  if (stray.length > 0) throw new Error(`the package has files it should not: ${stray.join(', ')}`)
  console.log(`ok packed: ${files.length} files, ${Math.round(packed.unpackedSize / 1024)} KiB`)

  run(bin('publint'), ['run', tarball, '--strict'], root)
  console.log('ok publint')
  run(bin('attw'), [tarball, '--profile', 'esm-only'], root)
  console.log('ok are the types wrong')

  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module' }))
  run('npm', ['install', '--no-audit', '--no-fund', tarball], project)
  writeFileSync(join(project, 'agents.js'), agents)
  writeFileSync(join(project, 'main.js'), esm)
  writeFileSync(join(project, 'main.cjs'), cjs)
  writeFileSync(join(project, 'main.ts'), types)
  expectLines('import', run('node', ['main.js'], project), ['esm testing 42', 'esm 0 42', 'esm 2 42'])
  expectLines('require', run('node', ['main.cjs'], project), ['cjs 42'])
  const compiler = [
    '--noEmit',
    '--strict',
    '--module',
    'nodenext',
    '--target',
    'es2022',
    '--types',
    'node',
    '--typeRoots',
    join(root, 'node_modules', '@types'),
  ]
  run(bin('tsc'), [...compiler, 'main.ts'], project)
  console.log('ok TypeScript')
} finally {
  rmSync(project, { recursive: true, force: true })
}
