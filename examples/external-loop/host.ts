// The host's own work, which knows nothing of agents: it goes on until its own signal says so.
import { setTimeout } from 'node:timers/promises'

export async function hardWork(signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    console.log('doing hard work...')
    await setTimeout(1_000, undefined, { signal }).catch(() => {})
  }
}
