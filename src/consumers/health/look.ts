import type { Snapshot, Snapshotter } from '../../events/index.ts';
import { type PoolMemory, type PoolView, viewPools } from './pools.ts';
import type { HealthCheck } from './types.ts';

/** The pools at one moment. */
export interface Look {
  readonly snapshot: Snapshot;
  readonly pools: readonly PoolView[];
  /** Set when the core could not say; the pools are empty then. */
  readonly fault?: HealthCheck;
}

/** Asks the core for its levels. A core that cannot answer is itself a finding, not an exception of the probe. */
export const look = (
  snapshotter: Snapshotter,
  memory: ReadonlyMap<string, PoolMemory>,
  now: number,
): Look => {
  try {
    const snapshot = snapshotter();
    return { snapshot, pools: viewPools(memory, snapshot) };
  } catch (error) {
    return {
      snapshot: { timestamp: now, uptime_ms: 0, sessions: null, pools: {} },
      pools: [],
      fault: {
        name: 'core',
        status: 'error',
        message: 'The core does not answer',
        why: error instanceof Error ? error.message : 'its snapshot failed',
        remedy: 'Restart the process, and report this with the log: it is a fault of the library.',
      },
    };
  }
};
