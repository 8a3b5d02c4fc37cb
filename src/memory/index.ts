// What `ringreeve/memory` exports, nothing else.
export { type MemoryClient, memoryAt, type Shape } from './client.js'
export { type MemoryOptions, memory } from './memory.js'
export { type Change, Changed, type Entry, type Exchange } from './messages.js'
