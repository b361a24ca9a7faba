export { EventBus, EventHandle } from './bus/bus.ts';
export type { Consumer, ConsumerCounts } from './bus/consumer.ts';
export { compilePattern, type NameLike, nameFault, nameOf } from './bus/pattern.ts';
export * from './catalog.ts';
export { after, type Clock, epochOf, every, monotonic, now, type Timer, useClock } from './clock.ts';
export { currentContext, type LogContext, withContext, withoutContext } from './context.ts';
export { isCorrelationId, newCorrelationId, newRequestId, traceIdOf } from './ids.ts';
export * from './snapshot.ts';
