export type { SendRequest } from './canary.ts';
export type { HealthOptions } from './criteria/finding.ts';
export type { MemoryReading } from './criteria/process.ts';
export type { CheckAnswer, CheckFinding } from './dependencies/answer.ts';
export type { CheckFunction, CheckOptions } from './dependencies/options.ts';
export { Health, type HealthInit } from './health.ts';
export type { TelemetryReport } from './telemetry.ts';
export { type RecentTraffic, type SpanTraffic, Traffic } from './traffic.ts';
export type {
  DependencyRow,
  DetailedHealth,
  HealthCheck,
  HealthReport,
  PoolHealth,
  PoolLoad,
  PythonRow,
  Standing,
  StartupReport,
  StatusChange,
  SystemHealth,
  TrafficFigures,
  TrafficSpans,
  WorkerRow,
} from './types.ts';
