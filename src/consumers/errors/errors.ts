import type { ErrorContext } from '../../errors/index.ts';
import { type EventBus, now, type SnakepitEvent } from '../../events/index.ts';
import { createInstanceSanitizer, type InstanceSanitizer } from '../../sanitize/index.ts';
import { passes, passesBut } from './filter.ts';
import { ErrorGroups, type Group } from './groups.ts';
import { type KeptError, KeptErrors } from './kept.ts';
import { recordOf } from './record.ts';
import { SlowRequests } from './slow.ts';
import type { ErrorDetail, ErrorFilter, ErrorLine, ErrorList, ErrorTotals, SlowList } from './types.ts';

/** What {@link Errors} is made from. */
export interface ErrorsInit {
  readonly bus: EventBus;
  /** What is handed out is sanitized with it. Default: one without options. */
  readonly sanitizer?: InstanceSanitizer | undefined;
  /** Errors kept singly. Default: 500. */
  readonly keep?: number | undefined;
  /** Memory those may take, roughly. Bytes, default 8 MiB. */
  readonly maxBytes?: number | undefined;
  /** Kinds of errors told apart. Default: 200. */
  readonly maxGroups?: number | undefined;
  /** Slow requests kept. Default: 200. */
  readonly maxSlow?: number | undefined;
}

const MIB = 2 ** 20;
const DEFAULT_LIMIT = 100;
const MAX_LINE = 300;

const CANCELLED = 'snakepit.request.cancelled';
const SLOW = 'snakepit.request.slow';
/** Exact names: a wildcard would take in events of requests that go well. */
const PATTERNS = [
  CANCELLED,
  SLOW,
  'snakepit.request.failed',
  'snakepit.request.timed_out',
  'snakepit.request.rejected',
  'snakepit.worker.crashed',
  'snakepit.worker.start_failed',
  'snakepit.worker.stuck',
  'snakepit.worker.quarantined',
];

/**
 * The errors of late, singly with all that was preserved of them, and by kind; and the requests that were slow. Reads events only, and
 * of those only the ones of failures: while nothing fails it does nothing. Memory is bounded, however many errors there are.
 *
 * Registers as consumer `errors`.
 */
export class Errors {
  readonly #safe: InstanceSanitizer;
  readonly #kept: KeptErrors;
  readonly #groups: ErrorGroups;
  readonly #slow: SlowRequests;
  readonly #unregister: () => void;
  #errors = 0;
  #cancelled = 0;

  constructor({
    bus,
    sanitizer = createInstanceSanitizer(),
    keep = 500,
    maxBytes = 8 * MIB,
    maxGroups = 200,
    maxSlow = 200,
  }: ErrorsInit) {
    this.#safe = sanitizer;
    this.#kept = new KeptErrors(keep, maxBytes, sanitizer);
    this.#groups = new ErrorGroups(maxGroups);
    this.#slow = new SlowRequests(bus, maxSlow, sanitizer);
    this.#unregister = bus.registerConsumer(
      { patterns: PATTERNS },
      { name: 'errors', handle: (event) => this.#handle(event) },
      { delivery: 'inline', sampled: false },
    );
  }

  /**
   * The errors kept, newest first, and their kinds. A kind passes `since` when it was last seen then or later; asked for one worker
   * slot, kinds are those of the errors kept of that slot. Their counts are whole.
   */
  list(filter: ErrorFilter = {}): ErrorList {
    const at = now();
    const found = this.#kept.newestFirst().filter(({ record }) => passes(record, filter));
    return {
      errors: found.slice(0, filter.limit ?? DEFAULT_LIMIT).map(lineOf),
      groups: this.#groupsOf(filter, found).map((group) => group.toJson(at)),
      totals: this.#totals(),
    };
  }

  /** One error with everything that was preserved; undefined when it is not kept any more. */
  find(id: string): ErrorDetail | undefined {
    const error = this.#kept.get(id);
    if (error === undefined) return undefined;
    const { message, retryable, measurements, context } = error.record;
    return {
      ...lineOf(error),
      ...{ message, retryable, measurements },
      error: context === null ? null : (this.#safe.document(context) as unknown as ErrorContext),
      group: error.group.toJson(now()),
    };
  }

  /** The slow requests kept, newest first. `code` is that of the error they ended with. */
  slow(filter: ErrorFilter = {}): SlowList {
    return this.#slow.list(filter, filter.limit ?? DEFAULT_LIMIT);
  }

  /** How many there have been, for those who ask often. */
  counts(): { readonly errors: number; readonly slow: number; readonly slow_running: number } {
    const { seen, running } = this.#slow.totals();
    return { errors: this.#errors, slow: seen, slow_running: running };
  }

  /** Listens no more. What is known stays readable. */
  close(): void {
    this.#unregister();
    this.#slow.close();
  }

  #handle(event: SnakepitEvent): void {
    if (event.event_name === CANCELLED) this.#cancelled++;
    else if (event.event_name === SLOW)
      this.#slow.add(event, this.#kept.ofRequest(event.metadata.request_id));
    else this.#add(event);
  }

  #add(event: SnakepitEvent): void {
    const id = `e${(++this.#errors).toString(36)}`;
    const record = recordOf(event, this.#safe);
    this.#kept.add(id, record, this.#groups.add(id, record));
    this.#safe.canary?.inspect('errors', JSON.stringify(this.find(id)));
  }

  #groupsOf(filter: ErrorFilter, found: readonly KeptError[]): Group[] {
    const ofSlot = filter.workerSlot === undefined ? undefined : new Set(found.map(({ group }) => group));
    return this.#groups
      .newestFirst()
      .filter((group) => ofSlot?.has(group) ?? passesBut({ ...about(group), at: group.lastSeen }, filter));
  }

  #totals(): ErrorTotals {
    return {
      errors: this.#errors,
      cancelled: this.#cancelled,
      kept: this.#kept.size,
      kept_bytes: this.#kept.bytes,
      groups: this.#groups.size,
      evicted: this.#groups.evicted,
    };
  }
}

const about = ({ pool, command, code }: Group) => ({ pool, command, code });

const lineOf = ({ id, record, group }: KeptError): ErrorLine => ({
  id,
  group_id: group.id,
  timestamp: new Date(record.at).toISOString(),
  event: record.event,
  pool: record.pool,
  command: record.command,
  worker_id: record.workerId,
  worker_slot: record.workerSlot,
  request_id: record.requestId,
  correlation_id: record.correlationId,
  code: record.code,
  category: record.category,
  message: (record.message.split('\n', 1)[0] as string).slice(0, MAX_LINE),
});
