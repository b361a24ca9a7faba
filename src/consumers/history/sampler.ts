import {
  after,
  monotonic,
  now,
  type PoolSnapshot,
  type Snapshot,
  type Snapshotter,
  type Timer,
} from '../../events/index.ts';
import { poolRing, poolValues, totalRing, totalValues } from './levels.ts';
import { Between, type Reading, RecentReadings, readingOf, slotKey } from './readings.ts';
import { Ring, STEP_MS, sliceOf } from './ring.ts';

/** More slots than this are not read singly. 5.8 KB a slot. */
const MAX_SLOTS = 2048;

/** What a slot is read for. */
export const slotNames = ['memory_bytes', 'cpu_ratio', 'requests'] as const;

/** Where the levels of a moment come from. */
export interface LevelSources {
  readonly snapshot: Snapshotter;
  /** Of the event loop; NaN where nobody measures it. */
  readonly lagMs: () => number;
  /** Workers that a pool ought to have and has not; NaN where nobody knows. */
  readonly missing: (pool: PoolSnapshot) => number;
  /** Reads and writes of the session store since the start. */
  readonly operations: () => number;
  /** That this process may use. */
  readonly cpus: number;
}

/** The levels of one moment, as they are kept. */
export interface Sample {
  readonly snapshot: Snapshot;
  readonly total: readonly number[];
  readonly pools: ReadonlyMap<string, readonly number[]>;
  readonly slots: ReadonlyMap<string, readonly number[]>;
}

const NO_POOLS: Snapshot = { timestamp: 0, uptime_ms: 0, sessions: null, pools: {} };

/** Reads the levels once at the end of each slice. Pools and slots that are gone are dropped with all that was kept of them. */
export class Sampler {
  readonly #sources: LevelSources;
  readonly #total = totalRing();
  readonly #pools = new Map<string, Ring>();
  readonly #slots = new Map<string, Ring>();
  readonly #recent: RecentReadings;
  #last: Reading;
  /** By the end of the last slice. */
  #operations: number;
  #timer: Timer | undefined;
  /** The slice that was completed last. */
  completed: number | undefined;

  constructor(sources: LevelSources) {
    this.#sources = sources;
    this.#last = readingOf(NO_POOLS, monotonic());
    this.#operations = sources.operations();
    this.#recent = new RecentReadings(this.#last);
    this.#wait();
  }

  total(slice: number): Float64Array | undefined {
    return this.#total.get(slice);
  }

  pool(name: string, slice: number): Float64Array | undefined {
    return this.#pools.get(name)?.get(slice);
  }

  slot(key: string, slice: number): Float64Array | undefined {
    return this.#slots.get(key)?.get(slice);
  }

  /** How many pools and slots are remembered. */
  get size(): { readonly pools: number; readonly slots: number } {
    return { pools: this.#pools.size, slots: this.#slots.size };
  }

  /** The levels of this moment, since the end of the last slice. */
  read(snapshot = this.#sources.snapshot()): Sample {
    return this.#sampleOf(snapshot, new Between(this.#last, readingOf(snapshot, monotonic())));
  }

  /** What has gone on in the last five seconds. To be asked as often as one likes. */
  recent(snapshot: Snapshot): Between {
    const reading = readingOf(snapshot, monotonic());
    const between = this.#recent.upTo(reading);
    this.#recent.add(reading);
    return between;
  }

  close(): void {
    this.#timer?.stop();
  }

  #wait(): void {
    const at = now();
    this.#timer = after((sliceOf(at) + 1) * STEP_MS - at, () => this.#due());
  }

  #due(): void {
    try {
      this.#complete();
    } catch {
      // A core that cannot say leaves a gap; the next slice is tried again.
    } finally {
      this.#wait();
    }
  }

  #complete(): void {
    const snapshot = this.#sources.snapshot();
    const reading = readingOf(snapshot, monotonic());
    const { total, pools, slots } = this.#sampleOf(snapshot, new Between(this.#last, reading));
    this.#last = reading;
    this.#operations = this.#sources.operations();
    this.#recent.add(reading);
    // The timer may fire a little early, or late: the slice is the one whose end is nearest.
    const slice = Math.round(now() / STEP_MS) - 1;
    this.#total.put(slice, total);
    keep(this.#pools, pools, slice, poolRing);
    keep(this.#slots, slots, slice, () => new Ring(slotNames.length));
    this.completed = slice;
  }

  #sampleOf(snapshot: Snapshot, between: Between): Sample {
    const { cpus, lagMs, missing, operations } = this.#sources;
    const beside = { cpus, lagMs: lagMs(), missing, operations: operations() - this.#operations };
    const all = Object.values(snapshot.pools);
    const slots = all
      .flatMap((pool) =>
        pool.workers.map((worker): [string, readonly number[]] => {
          const key = slotKey(pool.name, worker.slot);
          const memory = worker.memory_bytes ?? Number.NaN;
          return [key, [memory, between.slotCpu(key), between.slotRequests(key)]];
        }),
      )
      .slice(0, MAX_SLOTS);
    return {
      snapshot,
      total: totalValues(snapshot, between, beside),
      pools: new Map(all.map((pool) => [pool.name, poolValues(pool, between, beside)])),
      slots: new Map(slots),
    };
  }
}

/** Puts down what is there, and forgets what is not. */
const keep = (
  rings: Map<string, Ring>,
  values: ReadonlyMap<string, readonly number[]>,
  slice: number,
  make: () => Ring,
): void => {
  for (const key of rings.keys()) if (!values.has(key)) rings.delete(key);
  for (const [key, numbers] of values) {
    const ring = rings.get(key) ?? make();
    rings.set(key, ring);
    ring.put(slice, numbers);
  }
};
