// Piscina's task: computes for so many blocks, or gives back what it got.
import { spin } from './work.js'

export default function task(body: unknown): unknown {
  return typeof body === 'number' ? spin(body) : body
}
