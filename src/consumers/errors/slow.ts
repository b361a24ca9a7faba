import { type EventBus, every, now, type SnakepitEvent } from '../../events/index.ts';
import type { Sanitizer } from '../../sanitize/index.ts';
import { passes } from './filter.ts';
import { aboutOf, type ErrorRecord, numberOf, statusOfCode, textOf } from './record.ts';
import type { ErrorFilter, SlowList, SlowRequest, SlowStatus } from './types.ts';

const COMPLETED = 'snakepit.request.completed';
const MAX_STACK = 16_384;
const LOOK_MS = 1000;
/** No request runs unseen for longer; its end must have been missed. */
const FORGET_MS = 3_600_000;

type About = ReturnType<typeof aboutOf>;

interface Slow extends About {
  readonly phase: string | null;
  readonly durationMs: number | null;
  readonly thresholdMs: number | null;
  readonly stack: string | null;
  status: SlowStatus;
  code: string | null;
  totalMs: number | null;
}

/**
 * The last slow requests, and how they ended. Completions are the hottest events there are, so they are asked for only while a slow
 * request runs: under a name of its own, `errors_slow`, from the first until a second finds none.
 */
export class SlowRequests {
  readonly #bus: EventBus;
  readonly #max: number;
  readonly #safe: Pick<Sanitizer, 'text'>;
  /** By request id, the last noticed last. */
  readonly #slow = new Map<string, Slow>();
  #seen = 0;
  #running = 0;
  #unwatch: (() => void) | undefined;

  constructor(bus: EventBus, max: number, safe: Pick<Sanitizer, 'text'>) {
    this.#bus = bus;
    this.#max = max;
    this.#safe = safe;
  }

  /**
   * Notes a slow request.
   *
   * @param failed - the error it has ended with already, if any: a stack can take longer than the deadline leaves
   */
  add(event: SnakepitEvent, failed: ErrorRecord | undefined): void {
    const about = aboutOf(event, this.#safe);
    const key = about.requestId ?? `?${this.#seen}`;
    const before = this.#slow.get(key);
    const { status, code, totalMs } = before ?? outcomeOf(failed);
    this.#seen++;
    if (before === undefined && status === 'running') this.#running++;
    // Noticed again, it moves to the end; the stack it had is better than none.
    this.#slow.delete(key);
    this.#slow.set(key, {
      ...about,
      phase: textOf(event.metadata.phase),
      durationMs: numberOf(event.measurements.duration_ms),
      thresholdMs: numberOf(event.measurements.threshold_ms),
      stack: textOf(event.metadata.python_stack, MAX_STACK) ?? before?.stack ?? null,
      ...{ status, code, totalMs },
    });
    if (this.#slow.size > this.#max) this.#evict();
    if (this.#running > 0) this.#watch();
  }

  list(filter: ErrorFilter, limit: number): SlowList {
    const found = [...this.#slow.values()].reverse().filter((slow) => passes(slow, filter));
    const totals = { seen: this.#seen, kept: this.#slow.size, running: this.#running };
    return { requests: found.slice(0, limit).map((slow) => toJson(slow, this.#safe)), totals };
  }

  close(): void {
    this.#unwatch?.();
  }

  #watch(): void {
    if (this.#unwatch !== undefined) return;
    const unregister = this.#bus.registerConsumer(
      COMPLETED,
      { name: 'errors_slow', handle: (event) => this.#completed(event) },
      { delivery: 'inline', sampled: false },
    );
    const timer = every(LOOK_MS, () => {
      this.#forget(now() - FORGET_MS);
      if (this.#running === 0) this.#unwatch?.();
    });
    this.#unwatch = () => {
      timer.stop();
      unregister();
      this.#unwatch = undefined;
    };
  }

  #completed({ measurements, metadata }: SnakepitEvent): void {
    const slow = this.#slow.get(metadata.request_id as string);
    if (slow?.status !== 'running') return;
    this.#running--;
    slow.status = metadata.status as SlowStatus;
    slow.code = textOf(metadata.code);
    slow.totalMs = numberOf(measurements.duration_ms);
  }

  #evict(): void {
    const [oldest] = this.#slow.keys();
    if (this.#slow.get(oldest as string)?.status === 'running') this.#running--;
    this.#slow.delete(oldest as string);
  }

  #forget(before: number): void {
    for (const slow of this.#slow.values()) {
      if (slow.at >= before) return;
      if (slow.status !== 'running') continue;
      slow.status = 'unknown';
      this.#running--;
    }
  }
}

const outcomeOf = (failed: ErrorRecord | undefined): Pick<Slow, 'status' | 'code' | 'totalMs'> => {
  if (failed === undefined) return { status: 'running', code: null, totalMs: null };
  const { code, measurements } = failed;
  return { status: statusOfCode(code), code, totalMs: measurements.duration_ms ?? null };
};

const toJson = (slow: Slow, safe: Pick<Sanitizer, 'text'>): SlowRequest => ({
  timestamp: new Date(slow.at).toISOString(),
  request_id: slow.requestId,
  correlation_id: slow.correlationId,
  pool: slow.pool,
  command: slow.command,
  worker_id: slow.workerId,
  worker_slot: slow.workerSlot,
  phase: slow.phase,
  duration_ms: slow.durationMs,
  threshold_ms: slow.thresholdMs,
  // A stack has lines of source, and those may hold secrets.
  python_stack: slow.stack === null ? null : safe.text(slow.stack),
  status: slow.status,
  code: slow.code,
  total_ms: slow.totalMs,
});
