import type { HealthReader } from '../ports.ts';

/** Which services serve, by the names that `grpc.health.v1` asks for. */
export type Serving = Readonly<Record<string, boolean>>;

/** The services beside the pools. The empty name is the whole process, as the protocol has it: readiness. */
const READINESS = ['', 'snakepit.readiness'] as const;
const STARTUP = 'snakepit.startup';
const LIVENESS = 'snakepit.liveness';
const pool = (name: string) => `pool.${name}`;

/** What is served at this moment; nothing is known where health is off. */
export const servingOf = (health: HealthReader | null): Serving => {
  if (health === null) return {};
  const ready = health.checkReadiness().status !== 'error';
  const pools = Object.entries(health.poolsReady?.() ?? {});
  return {
    ...Object.fromEntries(READINESS.map((name) => [name, ready])),
    [STARTUP]: health.startup().started,
    [LIVENESS]: health.checkHealth().status !== 'error',
    ...Object.fromEntries(pools.map(([name, serves]) => [pool(name), serves])),
  };
};

/** The same while the main thread does not run: nothing is served, and that the process is alive is believed a little longer. */
export const servingWithout = (serving: Serving, alive: boolean): Serving =>
  Object.fromEntries(Object.entries(serving).map(([name, was]) => [name, was && alive && name === LIVENESS]));

/** Whether two say the same. */
export const sameServing = (one: Serving, other: Serving): boolean => {
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every((name) => one[name] === other[name]);
};
