import { readdirSync, readlinkSync } from 'node:fs';
import { availableCpus } from '../../config/index.ts';
import { monotonic, type Snapshot } from '../../events/index.ts';
import { mebibytes, round } from './rows.ts';
import type { SystemHealth } from './types.ts';

/** Readings younger than this are answered again: rates over a shorter time are noise, and workers report once a second. */
const MIN_INTERVAL_MS = 1000;

const liveStates = new Set(['starting', 'ready', 'busy', 'draining']);

/** Figures of the process and its workers. Rates span the time since the reading before, whoever asked for it. */
export class SystemReadings {
  readonly #cpus = availableCpus();
  #at = monotonic();
  #cpuSeconds = cpuSeconds(undefined);
  #last: SystemHealth | undefined;

  /** @param lagMs - of the event loop */
  read(snapshot: Snapshot, lagMs: number): SystemHealth {
    const elapsedMs = monotonic() - this.#at;
    if (this.#last !== undefined && elapsedMs < MIN_INTERVAL_MS) return this.#last;
    const used = cpuSeconds(snapshot);
    const offered = (elapsedMs / 1000) * this.#cpus;
    const workers = Object.values(snapshot.pools).flatMap((pool) => [...pool.workers, ...pool.extra_workers]);
    const workerBytes = workers.reduce((sum, worker) => sum + (worker.memory_bytes ?? 0), 0);
    this.#last = {
      memory_mb: mebibytes(process.memoryUsage.rss() + workerBytes),
      process_count: 1 + workers.filter((worker) => liveStates.has(worker.state)).length,
      port_count: openSockets(),
      uptime_seconds: round(snapshot.uptime_ms / 1000),
      cpu_ratio: offered > 0 ? round(Math.max(0, used - this.#cpuSeconds) / offered) : 0,
      event_loop_lag_ms: round(lagMs),
    };
    this.#at += elapsedMs;
    this.#cpuSeconds = used;
    return this.#last;
  }
}

const cpuSeconds = (snapshot: Snapshot | undefined): number => {
  const { user, system } = process.cpuUsage();
  const pools = Object.values(snapshot?.pools ?? {});
  const workers = pools.flatMap((pool) => pool.workers);
  return (user + system) / 1e6 + workers.reduce((sum, worker) => sum + worker.slot_cpu_seconds_total, 0);
};

/** Sockets among the open descriptors; where /proc is missing, the socket handles Node knows of. */
const openSockets = (): number => {
  try {
    return readdirSync('/proc/self/fd').filter(isSocket).length;
  } catch {
    return process.getActiveResourcesInfo().filter((kind) => /^(TCP|Pipe|UDP)/i.test(kind)).length;
  }
};

const isSocket = (descriptor: string): boolean => {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`).startsWith('socket:');
  } catch {
    // Closed between listing and looking, as the listing's own descriptor is.
    return false;
  }
};
