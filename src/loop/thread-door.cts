// The file that Piscina loads on a thread. It is CommonJS because Piscina loads files by require(), and a thread that is
// ended while require() links ES modules takes the whole process with it (seen on Node 20.20: "FATAL ERROR:
// v8::Module::IsGraphAsync"). import() does not.
import type { ThreadTask } from './thread.js' with { 'resolution-mode': 'import' }

const loaded = import('./thread.js')
loaded.catch(() => {}) // the task says why

async function run(task: ThreadTask): Promise<void> {
  const thread = await loaded
  return thread.default(task)
}

module.exports = run
