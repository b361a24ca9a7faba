import type { WorkerExit } from '../../errors/index.ts';
import { type SnakepitEvent, weigh } from '../../events/index.ts';
import { slotKey } from './readings.ts';
import type { Life } from './types.ts';

const PER_SLOT = 10;
const KEPT = 1000;
const MAX_BYTES = 4 * 2 ** 20;
/** One certificate may not push out all others. */
const MAX_EXIT_BYTES = 64 * 1024;
const BARE_BYTES = 300;

/** The events that lives are made of, by their exact names. */
export const lifeEvents: readonly string[] = [
  'snakepit.worker.starting',
  'snakepit.worker.start_failed',
  'snakepit.worker.stopped',
  'snakepit.worker.recycled',
  'snakepit.worker.crashed',
];

interface Kept {
  life: Life;
  readonly pool: string;
  readonly slot: number;
  bytes: number;
}

/** Where a worker was, or is. */
export interface Place {
  readonly pool: string;
  readonly slot: number;
}

const reasonOf = ({ event_name, metadata }: SnakepitEvent): string =>
  typeof metadata.reason === 'string' ? metadata.reason : event_name.slice('snakepit.worker.'.length);

/** A certificate of bounded size: what is left of a larger one is what it says in a word. */
const exitOf = (value: unknown): WorkerExit | null => {
  if (typeof value !== 'object' || value === null) return null;
  const exit = value as WorkerExit;
  if (weigh(exit) <= MAX_EXIT_BYTES) return exit;
  const { code, signal, oom, uptime_seconds, requests } = exit;
  return { code, signal, oom, uptime_seconds, requests, stderr_tail: [], in_flight: [], memory_mb: [] };
};

/**
 * The processes that have filled each slot, the last ten of them with how they ended. Bounded in all by number and by bytes, so that a
 * slot which is gone, or fails for ever, leaves nothing that grows.
 */
export class Lives {
  /** By worker id, the oldest first. */
  readonly #lives = new Map<string, Kept>();
  /** By slot, the newest last. */
  readonly #ofSlot = new Map<string, Kept[]>();
  #bytes = 0;

  get size(): number {
    return this.#lives.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  add(event: SnakepitEvent): void {
    const { worker_id: id, worker_slot: slot, pool_name: pool, timestamp } = event.metadata;
    if (typeof id !== 'string' || typeof slot !== 'number' || typeof pool !== 'string') return;
    const known = this.#lives.get(id) ?? this.#begin(id, pool, slot, timestamp);
    if (event.event_name !== 'snakepit.worker.starting') this.#end(known, event);
    this.#bound();
  }

  placeOf(workerId: string): Place | undefined {
    const kept = this.#lives.get(workerId);
    return kept === undefined ? undefined : { pool: kept.pool, slot: kept.slot };
  }

  /** Of one slot, the newest first. */
  of({ pool, slot }: Place): Life[] {
    return (this.#ofSlot.get(slotKey(pool, slot)) ?? []).map(({ life }) => life).reverse();
  }

  #begin(worker_id: string, pool: string, slot: number, started_at: number): Kept {
    const life: Life = {
      worker_id,
      started_at: Math.round(started_at),
      ended_at: null,
      reason: null,
      requests: 0,
      exit: null,
    };
    const kept: Kept = { life, pool, slot, bytes: BARE_BYTES };
    this.#lives.set(worker_id, kept);
    const key = slotKey(pool, slot);
    const ofSlot = this.#ofSlot.get(key);
    if (ofSlot === undefined) this.#ofSlot.set(key, [kept]);
    else ofSlot.push(kept);
    this.#bytes += kept.bytes;
    if (ofSlot !== undefined && ofSlot.length > PER_SLOT) this.#forget(ofSlot[0] as Kept);
    return kept;
  }

  #end(kept: Kept, event: SnakepitEvent): void {
    const { measurements, metadata } = event;
    const exit = exitOf(metadata.exit);
    const bytes = BARE_BYTES + (exit === null ? 0 : weigh(exit));
    this.#bytes += bytes - kept.bytes;
    kept.bytes = bytes;
    kept.life = {
      ...kept.life,
      ended_at: Math.round(metadata.timestamp),
      reason: reasonOf(event),
      requests: typeof measurements.requests === 'number' ? measurements.requests : 0,
      exit,
    };
  }

  #bound(): void {
    for (const kept of this.#lives.values()) {
      if (this.#lives.size <= KEPT && (this.#bytes <= MAX_BYTES || this.#lives.size === 1)) return;
      this.#forget(kept);
    }
  }

  #forget(kept: Kept): void {
    const { life, pool, slot, bytes } = kept;
    this.#lives.delete(life.worker_id);
    this.#bytes -= bytes;
    const key = slotKey(pool, slot);
    const rest = (this.#ofSlot.get(key) ?? []).filter((other) => other !== kept);
    if (rest.length === 0) this.#ofSlot.delete(key);
    else this.#ofSlot.set(key, rest);
  }
}
