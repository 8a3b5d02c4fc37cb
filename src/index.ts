// The public surface, nothing else.
import './base/real-time.js'

export type {
  AgentRef,
  Context,
  Handle,
  LifeContext,
  Messenger,
  PublishOptions,
  SendOptions,
  SendResult,
  Timer,
} from './agent/context.js'
export { type AgentDefinition, type AnyAgent, agent, type Handler, type HandlerOptions } from './agent/definition.js'
export {
  AgentCreationError,
  AgentFailedError,
  AlreadyExistsError,
  CallCycleError,
  CancelledError,
  DeadlineError,
  InvalidArgumentError,
  InvalidNameError,
  MessageDroppedError,
  ModuleError,
  NoHandlerError,
  NotSerializableError,
  OverloadedError,
  PoisonedError,
  RingreeveError,
  StateError,
  StoppedError,
  ThreadLostError,
  TimeoutError,
  UnknownAgentError,
  UnknownSubscriptionError,
  ValidationError,
} from './agent/errors.js'
export { type AgentId, agentId, type TopicId, topicId } from './agent/ids.js'
export { DROP, type Intercept, type Interceptor, interceptor, type Passing } from './agent/interceptor.js'
export {
  type AnswerOf,
  type EventType,
  event,
  type MessageType,
  type PayloadOf,
  type ReceivedOf,
  type RequestType,
  type ReturnOf,
  request,
  type Serializer,
} from './agent/message.js'
export type {
  AgentOptions,
  BackgroundOptions,
  CheckpointPolicy,
  Concurrency,
  IntervalOptions,
  MailboxOptions,
  OnError,
  RestartPolicy,
  TopicPattern,
} from './agent/options.js'
export type {
  AgentTypeInfo,
  DeadLetter,
  DeadLetters,
  GivenUp,
  RunOptions,
  Runtime,
  RuntimeStats,
  Snapshot,
  StatefulHandle,
  StopOptions,
  Subscription,
  SubscriptionHandle,
} from './coordinator/api.js'
export { createRuntime } from './coordinator/create.js'
export type { AgentSource, RuntimeOptions } from './coordinator/options.js'
export type { Alarm, AlarmOptions, Clock } from './loop/base/clock.js'
export type { LogEntry } from './observe/log.js'
export type { LoopStats } from './sync/status.js'
export type { WaitStrategyName } from './transport/wait.js'
