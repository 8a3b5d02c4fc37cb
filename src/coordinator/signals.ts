// The signals that end a process in which a runtime is run. What it keeps: they are listened to only as long as it runs,
// and one that comes while it is stopping already does what it does by default.
import { clearInterval, setInterval } from '../base/real-time.js'

/**
 * Keeps the process, and takes its signals, until `ended` has settled.
 * @param stops stops the runtime; false when it is stopping already
 */
export async function heedSignals(
  signals: readonly NodeJS.Signals[],
  ended: Promise<void>,
  stops: () => boolean,
): Promise<void> {
  const alive = setInterval(() => {}, 2 ** 30) // signals alone do not keep a process
  const asked = (signal: NodeJS.Signals): void => {
    if (stops()) return
    unlisten()
    process.kill(process.pid, signal) // not ours any more: whatever it does by default
  }
  const unlisten = (): void => {
    for (const signal of signals) process.off(signal, asked)
  }
  for (const signal of signals) process.on(signal, asked)
  try {
    await ended
  } finally {
    clearInterval(alive)
    unlisten()
  }
}
