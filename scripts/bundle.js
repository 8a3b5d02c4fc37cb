// Makes dist/loop/thread.js one file, with the modules that only a thread's own part imports: a thread that starts loads and
// compiles one file for a hundred. What the package's entries load at once stays apart, since agent modules import those: one class of
// an error, and one list of what is loaded, on each thread.
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'

const dist = fileURLToPath(new URL('../dist/', import.meta.url))
const thread = `${dist}loop/thread.js`
const common = { platform: 'node', external: id => !/^[./]/.test(id), treeshake: false }

/** The modules that whoever imports the package loads before anything of it is called. */
async function shared() {
  const bundle = await rolldown({ ...common, input: `${dist}index.js` })
  const { output } = await bundle.generate({ format: 'esm' })
  await bundle.close()
  return new Set(output.filter(chunk => chunk.isEntry).flatMap(chunk => staticModules(chunk, output)))
}

function staticModules(chunk, output) {
  const imported = output.filter(({ fileName }) => chunk.imports.includes(fileName))
  return [...chunk.moduleIds, ...imported.flatMap(one => staticModules(one, output))]
}

const apart = await shared()
const bundle = await rolldown({
  ...common,
  input: thread,
  plugins: [
    {
      name: 'apart',
      async resolveId(id, importer, options) {
        const resolved = await this.resolve(id, importer, { ...options, skipSelf: true })
        return resolved !== null && apart.has(resolved.id) ? { id: resolved.id, external: 'relative' } : resolved
      },
    },
  ],
})
const { output } = await bundle.write({
  file: thread,
  format: 'esm',
  sourcemap: true,
  codeSplitting: false,
})
await bundle.close()
const modules = output[0].moduleIds.length
if (modules < 50) throw new Error(`dist/loop/thread.js has only ${modules} modules in it`)
