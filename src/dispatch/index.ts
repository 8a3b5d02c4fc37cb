// What `ringreeve/dispatch` exports, nothing else.
export { type AggregatorOptions, aggregator, type Group, pick, WaitFor } from './aggregator.js'
export type {
  Dispatcher,
  DispatcherEnd,
  DispatcherOptions,
  DispatcherStats,
  DispatchFailure,
  RouteTarget,
} from './api.js'
export { createDispatcher } from './dispatcher.js'
export { Dispatch, type Dispatched, dispatched, type FollowUp, type FollowUps, follow, Terminate } from './events.js'
