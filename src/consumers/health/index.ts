export type { HealthOptions } from './checks.ts';
export { Health, type HealthInit } from './health.ts';
export type {
  DetailedHealth,
  HealthCheck,
  HealthReport,
  PoolHealth,
  PoolLoad,
  PythonRow,
  StartupReport,
  SystemHealth,
  WorkerRow,
} from './types.ts';
