// What `ringreeve/trace` exports, nothing else.
export { type TraceEntry, type TraceFilter, Tracer, type TracerOptions } from './tracer.js'
export { type TraceDelivery, type TraceNode, treeText } from './tree.js'
