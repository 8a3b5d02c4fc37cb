// The programs, in the order of the paper.
import { bankTransaction } from './bank-transaction.js'
import { big } from './big.js'
import { boundedBuffer } from './bounded-buffer.js'
import { chameneos } from './chameneos.js'
import { counting } from './counting.js'
import { forkJoinCreate } from './fork-join-create.js'
import { forkJoinThroughput } from './fork-join-throughput.js'
import { nQueens } from './n-queens.js'
import { pingPong } from './ping-pong.js'
import type { Program } from './program.js'
import { threadRing } from './thread-ring.js'
import { trapezoidal } from './trapezoidal.js'
import { uct } from './uct.js'

export const programs: readonly Program[] = [
  pingPong,
  counting,
  forkJoinThroughput,
  forkJoinCreate,
  threadRing,
  chameneos,
  big,
  boundedBuffer,
  bankTransaction,
  nQueens,
  trapezoidal,
  uct,
]
