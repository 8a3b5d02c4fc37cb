// Wide runs (see wide.ts) by their seeds; simulation.test.ts has all else.
import { theBooksBalance } from './seeds.js'

theBooksBalance(true)
