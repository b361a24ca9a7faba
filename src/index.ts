export {
  defineConfig,
  type PoolOptions,
  type ResolvedOptions,
  type SnakepitOptions,
} from './config/index.ts';
export type { Errors } from './consumers/errors/index.ts';
export type { Health } from './consumers/health/index.ts';
export type { LabelValues, MetricSpec, Metrics } from './consumers/metrics/index.ts';
export type { CallOptions, CallResult, CallStream, Recycled, Timings, WorkerStacks } from './core/index.ts';
export {
  type ErrorCategory,
  type ErrorCode,
  type ErrorContext,
  errorCodes,
  type FailedAttempt,
  isSnakepitError,
  type PythonException,
  type PythonFrame,
  type RequestStatus,
  SnakepitError,
  type WorkerExit,
} from './errors/index.ts';
export {
  type CataloguedEvent,
  type CommonMetadata,
  type Consumer,
  type ConsumerCounts,
  catalog,
  type EventBus,
  type EventHandle,
  type EventName,
  type LogContext,
  type Measurements,
  type Metadata,
  type NameLike,
  type PoolSnapshot,
  type SnakepitEvent,
  type Snapshot,
  type WorkerSnapshot,
  withContext,
} from './events/index.ts';
export type { OpsHandler } from './http/index.ts';
export { sanitize } from './sanitize/index.ts';
export {
  createOpsHandler,
  createSnakepit,
  getSnakepit,
  type OpsHandlerOptions,
  Snakepit,
} from './snakepit.ts';
