export type { PoolFacts } from './facts.ts';
export { KeepAlive } from './keepalive.ts';
export type { LaunchSettings } from './launcher.ts';
export { Pit } from './pit.ts';
export { Pool, type PoolInit } from './pool.ts';
export type { CallOptions, CallResult, CallStream, ControlPort, Timings } from './port.ts';
