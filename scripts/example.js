// Runs one example by name, the way its first line says. Used by `npm run example -- NAME`.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const [name, ...rest] = process.argv.slice(2)
const names = readdirSync(`${root}examples`)
if (name === undefined || !names.includes(name)) {
  console.error(`npm run example -- NAME, where NAME is one of: ${names.join(', ')}`)
  process.exit(2)
}
// The one example that shows agents loaded as TypeScript is itself run as TypeScript.
const source = `examples/${name}/main.ts`
const [command, args] =
  name === 'typescript'
    ? [`${root}node_modules/.bin/tsx`, [source]]
    : [process.execPath, [`build/examples/${name}/main.js`]]
if (!existsSync(`${root}dist/index.js`)) {
  console.error('build first: npm run build')
  process.exit(2)
}
process.exitCode = spawnSync(command, [...args, ...rest], { cwd: root, stdio: 'inherit' }).status ?? 1
