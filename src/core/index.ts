export { KeepAlive } from './keepalive.ts';
export type { LaunchSettings } from './launcher.ts';
export type { PoolFacts } from './levels.ts';
export { Pit, type PoolEntry } from './pit.ts';
export { Pool, type PoolInit } from './pool.ts';
export type { CallOptions, CallResult, CallStream, ControlPort, Timings } from './port.ts';
