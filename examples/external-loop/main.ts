// What it shows: an agent beside an event loop that is not its own, in two programs. `attach.ts` attaches the agent to a
// host that runs by itself; `run.ts` runs the runtime, and the host's work with it. Each would go on until Ctrl+C; here
// each gets its Ctrl+C after two and a half seconds.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

for (const program of ['attach', 'run']) {
  console.log(`-- ${program}.ts`)
  const file = fileURLToPath(new URL(`./${program}.js`, import.meta.url))
  const child = spawn(process.execPath, [file], { stdio: 'inherit' })
  const ctrlC = setTimeout(() => child.kill('SIGINT'), 2_500)
  const [code, signal] = await once(child, 'exit')
  clearTimeout(ctrlC)
  if (code !== 0) throw new Error(`${program}.ts ended with ${code ?? signal}`)
}
