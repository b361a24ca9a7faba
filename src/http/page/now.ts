import type { Between } from '../../consumers/history/index.ts';
import {
  type HealthStatus,
  type PoolSnapshot,
  type PoolState,
  type Snapshot,
  workerStates,
} from '../../events/index.ts';
import type { CommandFigures, Figures, NowFrame, PoolFrame, Rates, Reason } from './frames.ts';
import { known } from './rows.ts';
import type { PageHealth, PageSources } from './sources.ts';

const MAX_COMMANDS = 50;
/** Rates and quantiles go over seconds and a minute: younger than this they are shown again. Milliseconds. */
const FRESH_MS = 1000;

const UNCOUNTED: Rates = {
  ...{ requests_per_second: null, error_rate: null, p50_ms: null, p95_ms: null, p99_ms: null },
  requests_1m: null,
};

const rank = { ok: 0, warning: 1, error: 2 } as const;
const worse = (a: HealthStatus, b: HealthStatus): HealthStatus => (rank[a] > rank[b] ? a : b);

const ratesOf = (
  health: PageHealth,
  pools: readonly string[],
  command: string | undefined,
  now: number,
): Rates => {
  const { p50_ms, p95_ms, p99_ms, ...rest } = health.traffic.recent(pools, command, now);
  // Nothing that was timed took no time at all.
  const ms = (value: number) => (value === 0 ? null : value);
  return { ...rest, p50_ms: ms(p50_ms), p95_ms: ms(p95_ms), p99_ms: ms(p99_ms) };
};

const stateOf = ({ pools }: Snapshot, shutdown: boolean): PoolState => {
  const states = Object.values(pools).map(({ state }) => state);
  if (states.length > 0 && states.every((state) => state === 'closed')) return 'closed';
  if (shutdown || states.some((state) => state === 'draining' || state === 'closed')) return 'draining';
  return states.length === 0 || states.includes('starting') ? 'starting' : 'running';
};

const sum = <K extends string>(figures: readonly Readonly<Record<K, number>>[], key: K): number =>
  figures.reduce((all, each) => all + each[key], 0);

/** What rates are made anew once a second only. */
interface Rated {
  readonly at: number;
  readonly total: Rates;
  readonly pools: ReadonlyMap<
    string,
    { readonly rates: Rates; readonly commands: readonly CommandFigures[] }
  >;
  readonly dropped: number;
  readonly system: NowFrame['system'];
}

/** Makes `now` frames. */
export class Now {
  readonly #sources: PageSources;
  #rated: Rated | undefined;

  constructor(sources: PageSources) {
    this.#sources = sources;
  }

  make(snapshot: Snapshot, between: Between): NowFrame {
    const { version, config, history, health, errors, sanitizer } = this.#sources;
    const { timestamp: at, uptime_ms } = snapshot;
    const rated = this.#rate(snapshot, between);
    const standing = health?.standing();
    const pools = Object.values(snapshot.pools).map((pool) =>
      this.#poolOf(pool, between, { rated, judged: standing?.pools[pool.name] ?? 'ok' }),
    );
    const ready =
      standing?.ready ?? (pools.length > 0 && Object.values(snapshot.pools).every((pool) => pool.ready));
    const counts = errors?.counts();
    return {
      at: Math.round(at),
      instance: config.instance,
      version,
      started_at: Math.round(at - uptime_ms),
      uptime_ms: Math.round(uptime_ms),
      state: stateOf(snapshot, standing?.shutdown === true),
      status: standing?.status ?? (ready ? 'ok' : 'error'),
      ready,
      reasons: reasonsOf(standing?.checks ?? [], (text) => sanitizer.text(text)),
      total: { ...rated.total, ...totalOf(pools, between) },
      pools,
      system: rated.system,
      sessions: sessionsOf(snapshot),
      counts: {
        errors: counts?.errors ?? null,
        slow: counts?.slow ?? null,
        slow_running: counts?.slow_running ?? null,
        config_version: config.version,
        status_changes: standing?.changes ?? null,
        restarts: history.restarts,
        dropped: rated.dropped,
      },
    };
  }

  #poolOf(
    pool: PoolSnapshot,
    between: Between,
    { rated, judged }: { readonly rated: Rated; readonly judged: HealthStatus },
  ): PoolFrame {
    const { critical, thresholds, sanitizer } = this.#sources;
    const { crash_loop: loop, start_error: failed } = pool;
    const own = rated.pools.get(pool.name);
    return {
      name: pool.name,
      state: pool.state,
      status: worse(statusOf(pool), judged),
      transport: pool.transport,
      codec: pool.codec,
      python_version: pool.python_version,
      crash_loop: loop && {
        ...loop,
        retry_in_ms: Math.round(loop.retry_in_ms),
        why: sanitizer.text(loop.why),
      },
      circuit: pool.circuit,
      start_error: failed && sanitizer.text(failed.error_message),
      quarantined_requests: pool.quarantined_requests.length,
      critical: critical(pool.name),
      ...(own?.rates ?? UNCOUNTED),
      in_flight: pool.requests_in_flight,
      queue_depth: pool.queue_depth,
      queue_capacity: pool.queue_capacity,
      workers: pool.workers_by_state,
      workers_desired: pool.workers_desired,
      slots: pool.slots,
      available_workers: pool.available_workers,
      utilisation: known(between.utilisation(pool)),
      restarts: pool.workers.reduce((all, { slot_restarts }) => all + slot_restarts, 0),
      saturated_total: pool.saturated_total,
      thresholds: thresholds(),
      commands: own?.commands ?? [],
    };
  }

  #rate(snapshot: Snapshot, between: Between): Rated {
    const { timestamp: at } = snapshot;
    const before = this.#rated;
    if (before !== undefined && Math.abs(at - before.at) < FRESH_MS && sameKeys(before.pools, snapshot.pools))
      return before;
    const { health, history, dropped } = this.#sources;
    const names = Object.keys(snapshot.pools);
    const { memory_bytes, cpu_ratio } = history.process(snapshot, between);
    this.#rated = {
      at,
      total: health === null ? UNCOUNTED : ratesOf(health, names, undefined, at),
      pools: new Map(
        Object.values(snapshot.pools).map((pool) => [
          pool.name,
          health === null
            ? { rates: UNCOUNTED, commands: uncounted(pool) }
            : {
                rates: ratesOf(health, [pool.name], undefined, at),
                commands: commandsOf(health, pool, at),
              },
        ]),
      ),
      dropped: dropped(),
      system: {
        memory_bytes,
        cpu_ratio,
        event_loop_lag_ms: health === null ? null : known(health.eventLoopLagMs()),
      },
    };
    return this.#rated;
  }
}

const sameKeys = (map: ReadonlyMap<string, unknown>, object: object): boolean => {
  const keys = Object.keys(object);
  return keys.length === map.size && keys.every((key) => map.has(key));
};

/** By what it does now, whatever the thresholds. */
const statusOf = (pool: PoolSnapshot): PoolFrame['status'] => {
  const { ready, state, crash_loop, workers_by_state: by, queue_depth, queue_capacity } = pool;
  if (!ready || state === 'draining' || state === 'closed' || crash_loop !== null) return 'error';
  const full = queue_capacity > 0 && queue_depth >= queue_capacity;
  return by.quarantined > 0 || by.backoff > 0 || pool.circuit === 'open' || full ? 'warning' : 'ok';
};

const reasonsOf = (checks: readonly Reason[], text: (text: string) => string): Reason[] =>
  checks
    .filter(({ status }) => status !== 'ok')
    .toSorted((a, b) => rank[b.status] - rank[a.status])
    .map(({ name, status, message, why, remedy }) => ({
      name,
      status,
      message: text(message),
      ...(why !== undefined && { why: text(why) }),
      ...(remedy !== undefined && { remedy: text(remedy) }),
    }));

const uncounted = ({ commands }: PoolSnapshot): CommandFigures[] => {
  const { requests_1m: _, ...rates } = UNCOUNTED;
  return commands.slice(0, MAX_COMMANDS).map(({ name, kind }) => ({ name, kind, ...rates }));
};

const commandsOf = (health: PageHealth, pool: PoolSnapshot, at: number): CommandFigures[] => {
  const kinds = new Map<string, string>(pool.commands.map(({ name, kind }) => [name, kind]));
  const names = new Set([...kinds.keys(), ...health.traffic.commands(pool.name)]);
  return [...names]
    .map((name) => ({ name, kind: kinds.get(name) ?? null, ...ratesOf(health, [pool.name], name, at) }))
    .toSorted((a, b) => (b.requests_1m ?? 0) - (a.requests_1m ?? 0))
    .slice(0, MAX_COMMANDS)
    .map(({ requests_1m: _, ...figures }) => figures);
};

const totalOf = (pools: readonly PoolFrame[], between: Between): Omit<Figures, keyof Rates> => {
  const slots = sum(pools, 'slots');
  const busy = pools.reduce((all, { name }) => all + between.busy(name), 0);
  return {
    in_flight: sum(pools, 'in_flight'),
    queue_depth: sum(pools, 'queue_depth'),
    queue_capacity: sum(pools, 'queue_capacity'),
    workers: Object.fromEntries(
      workerStates.map((state) => [state, pools.reduce((all, { workers }) => all + workers[state], 0)]),
    ) as Figures['workers'],
    workers_desired: sum(pools, 'workers_desired'),
    slots,
    available_workers: sum(pools, 'available_workers'),
    utilisation: slots === 0 ? null : known(Math.min(1, busy / slots)),
    restarts: sum(pools, 'restarts'),
    saturated_total: sum(pools, 'saturated_total'),
  };
};

/** Null where nobody knows how many there are. */
const sessionsOf = ({ sessions }: Snapshot): NowFrame['sessions'] =>
  sessions === null || sessions.active === null
    ? null
    : { active: sessions.active, capacity: sessions.capacity };
