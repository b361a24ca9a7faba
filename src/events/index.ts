export { EventBus, EventHandle } from './bus/bus.ts';
export type { Consumer, ConsumerCounts } from './bus/consumer.ts';
export { compilePattern, type NameLike, nameFault, nameOf } from './bus/pattern.ts';
export * from './catalog.ts';
export { epochOf, monotonic, now } from './clock.ts';
export { currentContext, type LogContext, withContext, withoutContext } from './context.ts';
export { isCorrelationId, newCorrelationId, newRequestId, traceIdOf } from './ids.ts';
export * from './snapshot.ts';
