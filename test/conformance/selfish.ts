// A program in the file of its agents: what a newcomer writes first.
import { agent, createRuntime } from 'ringreeve'

export const selfish = agent('selfish')
await createRuntime({ threads: 1, agents: [new URL(import.meta.url)] })
