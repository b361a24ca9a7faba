import { availableCpus } from '../../config/index.ts';
import {
  type EventBus,
  now,
  type PoolSnapshot,
  type SnakepitEvent,
  type Snapshot,
  type Snapshotter,
} from '../../events/index.ts';
import { type CountName, Counts } from './counts.ts';
import { poolLevels, totalLevels } from './levels.ts';
import { Lives, lifeEvents, type Place } from './lives.ts';
import { Markers, markerEvents, type TextSanitizer } from './markers.ts';
import { type Between, slotKey } from './readings.ts';
import { SLICES, STEP_MS, shown, sliceOf } from './ring.ts';
import { Sampler, slotNames } from './sampler.ts';
import type {
  CompleteSlice,
  HeatedSlice,
  HistoryList,
  Life,
  Marker,
  Slice,
  SlotReadings,
  SpanFigures,
  TrafficSource,
} from './types.ts';

/** What {@link History} is made from. */
export interface HistoryInit {
  readonly bus: EventBus;
  readonly snapshot: Snapshotter;
  /** Who counts requests. Default: nobody, and what is counted reads null. */
  readonly traffic?: TrafficSource | undefined;
  /** How late the event loop is. Milliseconds. Default: null. */
  readonly lagMs?: (() => number) | undefined;
  /** Workers that a pool ought to have and has not. Default: null. */
  readonly missing?: ((pool: PoolSnapshot) => number) | undefined;
  /** Masks secrets in the texts of markers. */
  readonly sanitizer: TextSanitizer;
}

/** Which history is asked for. */
export interface HistoryFilter {
  /** Default: all together. */
  readonly pool?: string | undefined;
  /** What requests of one command did. Levels are not told by command: they read null. */
  readonly command?: string | undefined;
}

const UNCOUNTED: SpanFigures = {
  ...{ requests: null, failed: null, rejected: null, cancelled: null, timeouts: null, crashed: null },
  ...{ p50_ms: null, p95_ms: null, p99_ms: null },
};

const RESTARTED = 'snakepit.worker.restarted';
/** Not rare where a queue is full, but then what takes time is to make the error, not to count it. */
const REJECTED = 'snakepit.request.rejected';
/** Counted by the bus, wanted or not. */
const ACCESSED = 'snakepit.session.accessed';
const UNKNOWN = () => Number.NaN;
const UNCOUNTED_LEVELS: Record<CountName, null> = { restarts: null, queue_full: null };

/**
 * The last quarter of an hour in slices of five seconds, what happened to workers meanwhile, and how each ended.
 *
 * It costs a request that is taken nothing: what requests did is read from those who count them anyway, when somebody asks; levels are read once a slice. Memory is fixed but for the workers there are.
 *
 * Registers as consumer `history`, for events that are rare, and for refusals.
 */
export class History {
  readonly #traffic: TrafficSource | undefined;
  readonly #sampler: Sampler;
  readonly #markers: Markers;
  readonly #lives = new Lives();
  readonly #counts: Counts;
  readonly #observed: boolean;
  readonly #unregister: () => void;
  readonly #snapshot: Snapshotter;
  readonly #cpus = availableCpus();
  readonly #firstSlice = sliceOf(now());
  /** Dead workers replaced since the start. */
  restarts = 0;

  constructor({ bus, snapshot, traffic, lagMs = UNKNOWN, missing = UNKNOWN, sanitizer }: HistoryInit) {
    this.#traffic = traffic;
    this.#snapshot = snapshot;
    this.#observed = bus.enabled;
    this.#markers = new Markers(sanitizer);
    this.#counts = new Counts(() => snapshot().pools);
    const accessed = bus.event(ACCESSED);
    const operations = () => accessed.count;
    this.#sampler = new Sampler({ snapshot, lagMs, missing, operations, cpus: this.#cpus });
    this.#unregister = bus.registerConsumer(
      { patterns: [...new Set([...markerEvents, ...lifeEvents, REJECTED])] },
      { name: 'history', handle: (event) => this.#handle(event) },
      { delivery: 'inline', sampled: false },
    );
  }

  /** How long a slice is. Milliseconds. */
  get stepMs(): number {
    return STEP_MS;
  }

  /** A quarter of an hour, of one pool or all together. */
  read({ pool, command }: HistoryFilter = {}): HistoryList {
    const at = now();
    const last = sliceOf(at);
    const first = last - SLICES + 1;
    const snapshot = this.#snapshot();
    const pools = Object.keys(snapshot.pools);
    const asked = pool === undefined ? pools : [pool];
    const sample = this.#sampler.read(snapshot);
    const running = pool === undefined ? sample.total : sample.pools.get(pool);
    const slices = Array.from({ length: SLICES }, (_, i): HeatedSlice | null => {
      const slice = first + i;
      if (slice < this.#firstSlice) return null;
      const kept = pool === undefined ? this.#sampler.total(slice) : this.#sampler.pool(pool, slice);
      const values = command !== undefined ? undefined : slice === last ? running : kept;
      return this.#sliceOf(slice, asked, { values, command, total: pool === undefined });
    });
    return {
      step_ms: STEP_MS,
      from: first * STEP_MS,
      slices: slices.map((slice) => slice && withoutHeat(slice)),
      heat: {
        bounds_ms: this.#traffic?.heatBoundsMs ?? [],
        counts: slices.map((slice) => slice?.heat ?? null),
      },
      markers: this.#markers.between(first * STEP_MS, Number.POSITIVE_INFINITY, pool),
      pools,
      commands: Object.fromEntries(pools.map((name) => [name, this.#commandsOf(name, snapshot)])),
    };
  }

  /** Start of the slice that was completed last; undefined before the first. */
  get completedAt(): number | undefined {
    const { completed } = this.#sampler;
    return completed === undefined ? undefined : completed * STEP_MS;
  }

  /** The slice that was completed last. */
  completed(): CompleteSlice | undefined {
    const { completed: slice } = this.#sampler;
    if (slice === undefined) return undefined;
    const at = slice * STEP_MS;
    const pools = Object.keys(this.#snapshot().pools);
    const values = this.#sampler.total(slice);
    return {
      at,
      step_ms: STEP_MS,
      total: this.#sliceOf(slice, pools, { values, command: undefined, total: true }),
      pools: Object.fromEntries(
        pools.map((name) => {
          const own = { values: this.#sampler.pool(name, slice), command: undefined, total: false };
          return [name, this.#sliceOf(slice, [name], own)];
        }),
      ),
      markers: this.#markers.between(at, at + STEP_MS),
    };
  }

  /** What has gone on in the last five seconds. To be asked as often as one likes. */
  recent(snapshot: Snapshot): Between {
    return this.#sampler.recent(snapshot);
  }

  /** Resident memory of this process and its workers, and the CPU time of both as a share of what the CPUs offered. */
  process(snapshot: Snapshot, between: Between): { memory_bytes: number; cpu_ratio: number | null } {
    const workers = Object.values(snapshot.pools).flatMap((pool) => [...pool.workers, ...pool.extra_workers]);
    const bytes = workers.reduce((sum, { memory_bytes }) => sum + (memory_bytes ?? 0), 0);
    return {
      memory_bytes: process.memoryUsage.rss() + bytes,
      cpu_ratio: shown(between.cpuRatio(this.#cpus)),
    };
  }

  /** Readings of a slot. */
  readings({ pool, slot }: Place): SlotReadings {
    const last = sliceOf(now());
    const first = last - SLICES + 1;
    const key = slotKey(pool, slot);
    const running = this.#sampler.read().slots.get(key);
    const rows = Array.from({ length: SLICES }, (_, i) =>
      first + i === last ? running : this.#sampler.slot(key, first + i),
    );
    const column = (name: (typeof slotNames)[number]) =>
      rows.map((row) => shown(row?.[slotNames.indexOf(name)]));
    return {
      step_ms: STEP_MS,
      from: first * STEP_MS,
      memory_bytes: column('memory_bytes'),
      cpu_ratio: column('cpu_ratio'),
      requests: column('requests'),
    };
  }

  /** Where a worker is or was; undefined when it is forgotten. */
  placeOf(workerId: string): Place | undefined {
    return this.#lives.placeOf(workerId);
  }

  /** The processes of a slot, the newest first, at most ten. */
  lives(place: Place): Life[] {
    return this.#lives.of(place);
  }

  /** What happened since a moment, oldest first. */
  markers(since: number): Marker[] {
    return this.#markers.between(since, Number.POSITIVE_INFINITY);
  }

  /** What is remembered, for tests of its bounds. */
  get size(): {
    readonly pools: number;
    readonly slots: number;
    readonly counted: number;
    readonly lives: number;
    readonly bytes: number;
  } {
    return {
      ...this.#sampler.size,
      counted: this.#counts.size,
      lives: this.#lives.size,
      bytes: this.#lives.bytes,
    };
  }

  /** Listens and samples no more. What is known stays readable. */
  close(): void {
    this.#unregister();
    this.#sampler.close();
  }

  #handle(event: SnakepitEvent): void {
    if (event.event_name === REJECTED) {
      if (event.metadata.code === 'queue_full') this.#count(event, 'queue_full');
      return;
    }
    this.#markers.add(event);
    if (lifeEvents.includes(event.event_name)) this.#lives.add(event);
    if (event.event_name !== RESTARTED) return;
    this.restarts++;
    this.#count(event, 'restarts');
  }

  #count({ metadata: { pool_name, timestamp } }: SnakepitEvent, name: CountName): void {
    this.#counts.add(pool_name, sliceOf(timestamp), name);
  }

  #sliceOf(
    slice: number,
    pools: readonly string[],
    {
      values,
      command,
      total,
    }: {
      readonly values: Float64Array | readonly number[] | undefined;
      readonly command: string | undefined;
      readonly total: boolean;
    },
  ): HeatedSlice {
    const from = slice * STEP_MS;
    const traffic = this.#traffic?.between(pools, command, from, from + STEP_MS);
    return {
      ...(traffic ?? UNCOUNTED),
      ...(total ? totalLevels(values) : poolLevels(values)),
      ...(command === undefined && this.#observed ? this.#counts.in(slice, pools) : UNCOUNTED_LEVELS),
      heat: traffic?.heat ?? null,
    };
  }

  #commandsOf(pool: string, { pools }: Snapshot): string[] {
    const announced = pools[pool]?.commands.map(({ name }) => name) ?? [];
    return [...new Set([...announced, ...(this.#traffic?.commands(pool) ?? [])])];
  }
}

const withoutHeat = ({ heat: _, ...slice }: HeatedSlice): Slice => slice;
