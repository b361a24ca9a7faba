import type { ResolvedOptions, ResolvedPool } from '../../config/index.ts';
import type { PoolSnapshot, Snapshot, WorkerSnapshot } from '../../events/index.ts';
import { cut } from '../../sanitize/index.ts';
import { CommandWindows } from './commands.ts';
import { Occurrences } from './occurrences.ts';
import { plural, seconds } from './verdict.ts';
import { RollingWindow } from './window.ts';

/** What health remembers of one pool; everything else is asked from the snapshot of the moment. */
export interface PoolMemory {
  readonly name: string;
  readonly options: ResolvedPool;
  window: RollingWindow;
  readonly commands: CommandWindows;
  /** Workers that ended without being asked to, or did not start. */
  readonly deaths: Occurrences;
  /** It has had a ready worker once. */
  started: boolean;
  /** It has had `minWorkers` ready workers once: from then on fewer is a fault, before it is a start. */
  established: boolean;
  /** A `saturated` event came and no `recovered` since. */
  saturated: boolean;
}

/** A pool at one moment. */
export interface PoolView extends Readonly<PoolMemory> {
  /** Undefined while the core does not know the pool yet. */
  readonly levels: PoolSnapshot | undefined;
  /** Workers past their start, idle or busy. */
  readonly ready: number;
}

/** An empty memory for each pool. */
export const rememberPools = (
  pools: ResolvedOptions['pools'],
  windowMs: number,
): ReadonlyMap<string, PoolMemory> =>
  new Map(
    Object.entries(pools).map(([name, options]) => [
      name,
      {
        name,
        options,
        window: new RollingWindow(windowMs),
        commands: new CommandWindows(),
        deaths: new Occurrences(),
        started: false,
        established: false,
        saturated: false,
      },
    ]),
  );

/** Sees a pool at one moment, and notes what this moment proves. */
export const viewPool = (pool: PoolMemory, levels: PoolSnapshot | undefined): PoolView => {
  const ready = levels === undefined ? 0 : levels.workers_by_state.ready + levels.workers_by_state.busy;
  if (levels?.ready === true) pool.started = true;
  if (ready >= pool.options.minWorkers) pool.established = true;
  // A lost `recovered` must not leave it saturated for ever.
  if (levels !== undefined && levels.queue_depth * 2 < levels.queue_capacity) pool.saturated = false;
  return { ...pool, levels, ready };
};

/** Sees the pools at the moment of a snapshot. */
export const viewPools = (memory: ReadonlyMap<string, PoolMemory>, snapshot: Snapshot): PoolView[] =>
  [...memory.values()].map((pool) => viewPool(pool, snapshot.pools[pool.name]));

/** Whether the queue is full, or was and has not fallen below half: without that memory a probe would see it flap. */
export const isSaturated = ({ levels, saturated }: PoolView): boolean =>
  levels !== undefined && (saturated || levels.queue_depth >= levels.queue_capacity);

/**
 * Workers that have not answered for half of the time after which they are killed. A missed heartbeat alone is no fault: C code may hold the
 * GIL for as long as `stuckAfterMs` allows.
 */
export const silentWorkers = ({ levels, options }: PoolView): readonly WorkerSnapshot[] =>
  (levels?.workers ?? []).filter(
    ({ state, heartbeat_ms_ago }) =>
      (state === 'ready' || state === 'busy') && (heartbeat_ms_ago ?? 0) * 2 >= options.stuckAfterMs,
  );

const describeSilence = (pool: PoolView): string | false => {
  const silent = silentWorkers(pool);
  if (silent.length === 0) return false;
  const longest = Math.max(...silent.map(({ heartbeat_ms_ago }) => heartbeat_ms_ago ?? 0));
  const who = silent
    .slice(0, 3)
    .map(
      ({ id, slot, pid, address }) => `${id} in slot ${slot}, ${address == null ? `pid ${pid}` : address}`,
    );
  return `${plural(silent.length, 'worker')} silent, up to ${seconds(longest)} (${who.join('; ')}); killed and replaced after ${seconds(pool.options.stuckAfterMs)}`;
};

/** Why a pool has fewer ready workers than it wants, in words. */
export const describeShortage = (pool: PoolView): string => {
  const { levels, ready, options } = pool;
  if (levels === undefined) return 'the pool has not begun to start';
  const { workers_by_state: states, crash_loop: loop } = levels;
  const starting = levels.workers.filter((worker) => worker.state === 'starting').map(describeStart);
  return [
    `${plural(ready, 'worker')} past the start, ${options.minWorkers} needed`,
    starting.length > 0 && `${starting.length} starting (${starting.slice(0, 3).join(', ')})`,
    states.backoff > 0 && `${states.backoff} waiting for the next start`,
    loop !== null &&
      `workers fail as fast as they start, the next try is in ${seconds(loop.retry_in_ms)}: ${cut(loop.why, 300)}`,
    loop === null &&
      states.quarantined > 0 &&
      `${states.quarantined} slots left empty since their workers fail as fast as they start`,
    states.draining > 0 && `${states.draining} draining`,
    describeSilence(pool),
    loop === null &&
      levels.start_error !== null &&
      `last failed start: ${cut(levels.start_error.error_message, 300)}`,
  ]
    .filter((part) => part !== false)
    .join('; ');
};

const describeStart = (worker: WorkerSnapshot): string =>
  `${worker.phase ?? 'spawn'} for ${seconds(worker.uptime_ms)} of ${seconds(worker.start_timeout_ms)}`;

/** What would mend a shortage of workers. */
export const mendShortage = (pool: PoolView): string => {
  const { name, levels, options } = pool;
  if (levels != null && (levels.crash_loop !== null || levels.workers_by_state.quarantined > 0)) {
    return `Mend what the last failure of pool '${name}' says; it tries again by itself after crashLoopCoolDownMs, or at once on \`snakepit recycle --pool ${name} --unquarantine\`.`;
  }
  if (silentWorkers(pool).length > 0) {
    return `It is replaced by itself. If it is stopped, continue it (kill -CONT); if C code of it holds the GIL for so long, allow more: pools.${name}.stuckAfterMs.`;
  }
  if (levels?.start_error != null) {
    return `Mend the failed start of pool '${name}'; the pool tries again by itself.`;
  }
  if (levels !== undefined && levels.workers_desired < options.minWorkers) {
    return `Set pools.${name}.workers to at least minWorkers (${options.minWorkers}).`;
  }
  return `Pool '${name}' starts workers by itself; if it takes too long, look at the phase the start is in.`;
};
