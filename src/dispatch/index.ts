// What `ringreeve/dispatch` exports, nothing else.
export { type AggregatorOptions, aggregator, type Group, pick, WaitFor } from './aggregator.js'
export {
  createDispatcher,
  type Dispatcher,
  type DispatcherEnd,
  type DispatcherOptions,
  type DispatcherStats,
  type DispatchFailure,
  type RouteTarget,
} from './dispatcher.js'
export { Dispatch, type Dispatched, dispatched, type FollowUp, type FollowUps, follow, Terminate } from './events.js'
