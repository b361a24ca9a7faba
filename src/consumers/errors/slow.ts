import { type EventBus, every, now, type SnakepitEvent } from '../../events/index.ts';
import type { Sanitizer } from '../../sanitize/index.ts';
import { passes } from './filter.ts';
import { aboutOf, type ErrorRecord, numberOf, statusOfCode, textOf } from './record.ts';
import type { Anatomy, ErrorFilter, SlowList, SlowRequest, SlowStatus } from './types.ts';

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
  readonly stackAt: number | null;
  status: SlowStatus;
  code: string | null;
  totalMs: number | null;
  anatomy: Anatomy | null;
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
    const stack = textOf(event.metadata.python_stack, MAX_STACK);
    const { status, code, totalMs, anatomy } = before ?? outcomeOf(failed);
    this.#seen++;
    if (before === undefined && status === 'running') this.#running++;
    // Noticed again, it moves to the end; the stack it had is better than none.
    this.#slow.delete(key);
    this.#slow.set(key, {
      ...about,
      phase: textOf(event.metadata.phase),
      durationMs: numberOf(event.measurements.duration_ms),
      thresholdMs: numberOf(event.measurements.threshold_ms),
      stack: stack ?? before?.stack ?? null,
      stackAt: stack === null ? (before?.stackAt ?? null) : about.at,
      ...{ status, code, totalMs, anatomy },
    });
    if (this.#slow.size > this.#max) this.#evict();
    if (this.#running > 0) this.#watch();
  }

  list(filter: ErrorFilter, limit: number): SlowList {
    const found = [...this.#slow.values()].reverse().filter((slow) => passes(slow, filter));
    return {
      requests: found.slice(0, limit).map((slow) => toJson(slow, this.#safe)),
      totals: this.totals(),
    };
  }

  totals(): SlowList['totals'] {
    return { seen: this.#seen, kept: this.#slow.size, running: this.#running };
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
    slow.anatomy = anatomyOf(measurements);
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

type Outcome = Pick<Slow, 'status' | 'code' | 'totalMs' | 'anatomy'>;

const outcomeOf = (failed: ErrorRecord | undefined): Outcome => {
  if (failed === undefined) return { status: 'running', code: null, totalMs: null, anatomy: null };
  const { code, measurements } = failed;
  // Its completion went by unseen, and no other event has the parts of its time.
  const totalMs = measurements.duration_ms ?? null;
  return { status: statusOfCode(code), code, totalMs, anatomy: null };
};

/** Where the time of a settled request went; null where its event does not say. */
const anatomyOf = (measurements: SnakepitEvent['measurements']): Anatomy | null => {
  const read = (name: string) => numberOf(measurements[name]);
  const [total_ms, queue_ms] = [read('duration_ms'), read('queue_time_ms')];
  if (total_ms === null || queue_ms === null) return null;
  // 0 stands for unknown: of a request that was given up, Python has not said what it took.
  const measured = <N extends string>(name: N): { readonly [name in N]?: number } => {
    const ms = read(name);
    return ms === null || ms === 0 ? {} : ({ [name]: ms } as { [name in N]?: number });
  };
  const python = measured('python_ms');
  return {
    queue_ms,
    ...measured('serialise_ms'),
    // Without Python's share, the rest is more than transport.
    ...(python.python_ms !== undefined && { transport_ms: read('transport_ms') ?? 0 }),
    ...python,
    ...measured('python_cpu_ms'),
    total_ms,
  };
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
  stack_at: slow.stackAt === null ? null : new Date(slow.stackAt).toISOString(),
  status: slow.status,
  code: slow.code,
  total_ms: slow.totalMs,
  ...(slow.anatomy !== null && { anatomy: slow.anatomy }),
});
