// Agent modules in TypeScript without a build: the URL names the `.ts` file itself, and the threads load it.
//
//   node examples/typescript/main.ts        Node 22.18 and later, which strip types
//   npx tsx examples/typescript/main.ts     Node 20
import { createRuntime } from 'ringreeve'

const module = new URL('./agents.ts', import.meta.url)
// In a project of your own: `import { Count } from './agents.ts'`, with `allowImportingTsExtensions` in its tsconfig.
const { Count } = (await import(module.href)) as typeof import('./agents.js')

// Not `await using`: that is no type to strip, and Node 22 does not know it yet.
const runtime = await createRuntime({ threads: 2, agents: [module] })
try {
  const text = 'A reeve is a steward; to reeve is to pass a rope through a ring.'
  const counts = await runtime.send(Count, { text, least: 2 }, 'counter/words')
  for (const [word, times] of Object.entries(counts)) console.log(`${word}: ${times} times`)
} finally {
  await runtime.close()
}
