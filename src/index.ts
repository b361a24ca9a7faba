export {
  type ConfigChanger,
  type ConfigOutcome,
  type Drift,
  defineConfig,
  type PoolOptions,
  type ResolvedOptions,
  type ShownChange,
  type SnakepitOptions,
  type ThresholdEvent,
} from './config/index.ts';
export type { Errors } from './consumers/errors/index.ts';
export type {
  CheckAnswer,
  CheckFinding,
  CheckFunction,
  CheckOptions,
  DetailedHealth,
  Health,
  HealthCheck,
  HealthReport,
} from './consumers/health/index.ts';
export type { Logger, LogMethod, LogRequestOptions } from './consumers/logging/index.ts';
export type {
  BoundMetric,
  Exposition,
  LabelValues,
  MetricSpec,
  Metrics,
  PromRegistryLike,
} from './consumers/metrics/index.ts';
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
  type BatchDelivery,
  type BusSettings,
  type CataloguedEvent,
  type CommonMetadata,
  type Consumer,
  type ConsumerCounts,
  type ConsumerOptions,
  catalog,
  currentContext,
  type Delivery,
  type DropReason,
  type EventBus,
  type EventHandle,
  type EventName,
  keeps,
  type ListenOptions,
  type LogContext,
  type Measurements,
  type Metadata,
  type NameLike,
  type PatternLike,
  type PoolSnapshot,
  type RateLimit,
  type SnakepitEvent,
  type Snapshot,
  type WorkerSnapshot,
  withContext,
} from './events/index.ts';
export { type OpsHandler, signLogHeader } from './http/index.ts';
export type { ConfigView, LastReload } from './live.ts';
export type { ConfigPatch, ConfigureOptions, Observability } from './observability.ts';
export {
  type AllowList,
  type CustomDetector,
  createSanitizer,
  type Json,
  type Limits,
  type Sanitizer,
  type SanitizerOptions,
  sanitize,
} from './sanitize/index.ts';
export {
  createOpsHandler,
  createSnakepit,
  getSnakepit,
  type OpsHandlerOptions,
  Snakepit,
} from './snakepit.ts';
