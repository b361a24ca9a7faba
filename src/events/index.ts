export { EventBus, type EventSubject, type PatternLike, type Unflushed } from './bus/bus.ts';
export type { CircuitOptions } from './bus/circuit.ts';
export type {
  BatchDelivery,
  BatchHandler,
  BatchOptions,
  Consumer,
  ConsumerOptions,
  Delivery,
  EventHandler,
  InlineHandler,
} from './bus/consumer.ts';
export type { KeepOptions } from './bus/gate.ts';
export { EventHandle } from './bus/handle.ts';
export type { HoldOptions } from './bus/hold.ts';
export type { QueueOptions } from './bus/intake.ts';
export type { RateLimit } from './bus/limiter.ts';
export type { ListenerOutlet, ListenOptions } from './bus/listener.ts';
export type { BusSettings } from './bus/options.ts';
export { compilePattern, type NameLike, nameFault, nameOf } from './bus/pattern.ts';
export { isTransient, type RetryOptions } from './bus/retry.ts';
export { keeps, sampleValue } from './bus/sampling.ts';
export { type CircuitState, type ConsumerCounts, type DropReason, dropReasons } from './bus/tally.ts';
export * from './catalog.ts';
export { after, type Clock, epochOf, every, monotonic, now, type Timer, useClock } from './clock.ts';
export { currentContext, type LogContext, withContext, withoutContext } from './context.ts';
export { isCorrelationId, newCorrelationId, newRequestId, traceIdOf } from './ids.ts';
export * from './snapshot.ts';
export { weigh } from './weigh.ts';
