// The reporter: lives on the host loop and shows how far the census is. On a terminal it keeps one line up to date;
// anywhere else it writes a line now and then.
import { agent } from 'ringreeve'
import { Progress, type ProgressState } from './messages.js'
import { count, megabytes } from './text.js'

export function reporter(show: (state: ProgressState) => void) {
  return agent('reporter', { description: 'shows the progress', subscriptions: ['progress'] }).on(Progress, show)
}

/** How long nothing is written where there is no terminal, in ms. */
const QUIET = 2000
const WIDTH = 28

export interface ProgressBar {
  show(label: string, state: ProgressState): void
  /** Takes the bar off the terminal. */
  clear(): void
}

export function progressBar(out: NodeJS.WriteStream): ProgressBar {
  let began = performance.now()
  let last = began
  let current = ''
  const line = ({ files, ofFiles, bytes, ofBytes, refused }: ProgressState): string => {
    const share = ofBytes === 0 ? 1 : bytes / ofBytes
    const full = Math.round(share * WIDTH)
    const left = share > 0.05 ? (((performance.now() - began) / share) * (1 - share)) / 1000 : undefined
    return [
      `${current} ${'█'.repeat(full)}${'░'.repeat(WIDTH - full)} ${String(Math.round(share * 100)).padStart(3)} %`,
      `${count(files)} of ${count(ofFiles)} files`,
      `${megabytes(bytes)} of ${megabytes(ofBytes)} MB`,
      ...(refused > 0 ? [`${count(refused)} not parsed`] : []),
      ...(left !== undefined && share < 1 ? [`${left.toFixed(0)} s left`] : []),
    ].join('  ')
  }
  return {
    show(label, state) {
      if (label !== current) {
        current = label
        began = performance.now()
      }
      if (out.isTTY) out.write(`\r\x1b[K${line(state).slice(0, (out.columns ?? 80) - 1)}`)
      else if (performance.now() - last > QUIET) {
        last = performance.now()
        out.write(`${line(state)}\n`)
      }
    },
    clear() {
      if (out.isTTY) out.write('\r\x1b[K')
    },
  }
}
