import type { PoolSnapshot, Snapshot } from '../../events/index.ts';

/** Totals at one moment. */
export interface Reading {
  /** The clock of durations. */
  readonly at: number;
  /** CPU time of this process and all workers it has had. Seconds. */
  readonly cpu: number;
  /** By pool: time of its slots in which a request ran. Seconds. */
  readonly busy: ReadonlyMap<string, number>;
  /** By {@link slotKey}. */
  readonly slots: ReadonlyMap<string, SlotTotals>;
}

export interface SlotTotals {
  readonly cpu: number;
  readonly requests: number;
}

export const slotKey = (pool: string, slot: number): string => `${slot} ${pool}`;

const NOTHING: SlotTotals = { cpu: 0, requests: 0 };

/** Reads the totals of a moment. */
export const readingOf = (snapshot: Snapshot, at: number): Reading => {
  const busy = new Map<string, number>();
  const slots = new Map<string, SlotTotals>();
  const { user, system } = process.cpuUsage();
  let cpu = (user + system) / 1e6;
  for (const pool of Object.values(snapshot.pools)) {
    busy.set(pool.name, pool.slot_busy_seconds_total);
    cpu += pool.gone_slots?.cpu_seconds_total ?? 0;
    for (const { slot, slot_cpu_seconds_total, slot_requests_total } of pool.workers) {
      cpu += slot_cpu_seconds_total;
      slots.set(slotKey(pool.name, slot), { cpu: slot_cpu_seconds_total, requests: slot_requests_total });
    }
  }
  return { at, cpu, busy, slots };
};

const perSecond = (from: number, to: number, ms: number): number =>
  ms > 0 ? Math.max(0, to - from) / (ms / 1000) : Number.NaN;

/** What went on between two readings. */
export class Between {
  readonly #from: Reading;
  readonly #to: Reading;
  readonly ms: number;

  constructor(from: Reading, to: Reading) {
    this.#from = from;
    this.#to = to;
    this.ms = to.at - from.at;
  }

  /** @param cpus - that this process may use */
  cpuRatio(cpus: number): number {
    return perSecond(this.#from.cpu, this.#to.cpu, this.ms) / cpus;
  }

  /** 0 to 1; NaN while there are no slots. The slots of now stand for those of all the time. */
  utilisation({ name, slots }: Pick<PoolSnapshot, 'name' | 'slots'>): number {
    if (slots === 0) return Number.NaN;
    return Math.min(1, this.busy(name) / slots);
  }

  /** Slots in which a request ran, on average. */
  busy(pool: string): number {
    return perSecond(this.#from.busy.get(pool) ?? 0, this.#to.busy.get(pool) ?? 0, this.ms);
  }

  /** Of one CPU. */
  slotCpu(key: string): number {
    return perSecond(this.#from.slots.get(key)?.cpu ?? 0, this.#to.slots.get(key)?.cpu ?? 0, this.ms);
  }

  slotRequests(key: string): number {
    const [from, to] = [this.#from, this.#to].map(({ slots }) => slots.get(key) ?? NOTHING);
    return Math.max(0, (to as SlotTotals).requests - (from as SlotTotals).requests);
  }
}

const SPAN_MS = 5000;
const SPACING_MS = 1000;

/** The readings of the last seconds: what rates are taken over. Memory is bounded by the workers there are, times eight. */
export class RecentReadings {
  #readings: Reading[];

  constructor(first: Reading) {
    this.#readings = [first];
  }

  /** Adds one, unless one was added just now. What is older than needed goes. */
  add(reading: Reading): void {
    const last = this.#readings.at(-1) as Reading;
    if (reading.at - last.at < SPACING_MS) return;
    this.#readings.push(reading);
    while (reading.at - (this.#readings[1]?.at ?? Number.POSITIVE_INFINITY) >= SPAN_MS)
      this.#readings.shift();
  }

  /** Since five seconds before, or where that is not known, since the nearest to it. */
  upTo(reading: Reading): Between {
    const [oldest] = this.#readings as [Reading, ...Reading[]];
    const base = this.#readings.findLast(({ at }) => reading.at - at >= SPAN_MS) ?? oldest;
    return new Between(base, reading);
  }
}
