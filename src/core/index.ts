export type { OomWitness } from './certificate.ts';
export type { PoolFacts } from './facts.ts';
export { KeepAlive } from './keepalive.ts';
export { type Launcher, type LaunchSettings, processLauncher, remoteLauncher } from './launcher.ts';
export { MemoryGuard } from './memory-guard.ts';
export { Pit } from './pit.ts';
export { Pool, type PoolInit } from './pool.ts';
export type {
  CallOptions,
  CallResult,
  CallStream,
  ControlPort,
  Recycled,
  Timings,
  WorkerStacks,
} from './port.ts';
export { createSessionStore, Sessions, type SessionView } from './session/index.ts';
