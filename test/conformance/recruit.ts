// An agent that is registered later than the others.
import { agent } from 'ringreeve'
import { Ping } from './corners.js'

export const recruit = agent('recruit').on(Ping, () => 'here')
