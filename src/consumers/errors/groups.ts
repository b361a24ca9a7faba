import { createHash } from 'node:crypto';
import type { ErrorRecord } from './record.ts';
import { shapeOf } from './shape.ts';
import type { ErrorGroup } from './types.ts';

const MINUTES = 15;
const MINUTE_MS = 60_000;
/** 48 bits: among two hundred kinds no two are likely to share one in the lifetime of anything. */
const ID_DIGITS = 12;

/** Names invented by callers must not become kinds of errors: one caller could push all others out. */
const UNKNOWN = '(unknown)';

/** Errors of one kind. */
export class Group {
  /** The same in every process and after every restart, so that a link to a kind goes on to lead there. */
  readonly id: string;
  readonly code: string;
  readonly category: string;
  readonly pool: string | null;
  readonly command: string | null;
  readonly shape: string;
  readonly firstSeen: number;
  lastSeen: number;
  lastId = '';
  count = 0;
  /** Ids of those kept singly, oldest first. */
  readonly kept: string[] = [];
  /** A ring: the place of a minute is its number modulo 15. */
  readonly #perMinute = new Uint32Array(MINUTES);
  #minute: number;

  constructor(record: ErrorRecord, { pool, command, shape }: Kind) {
    this.id = idOf([record.code, pool, command, shape]);
    this.code = record.code;
    this.category = record.category;
    this.pool = pool;
    this.command = command;
    this.shape = shape;
    this.firstSeen = record.at;
    this.lastSeen = record.at;
    this.#minute = Math.floor(record.at / MINUTE_MS);
  }

  add(id: string, at: number): void {
    this.count++;
    this.lastId = id;
    // The time of day may be set back; a group is never seen earlier than before.
    this.lastSeen = Math.max(this.lastSeen, at);
    this.#advance(this.lastSeen);
    const place = this.#minute % MINUTES;
    this.#perMinute[place] = (this.#perMinute[place] as number) + 1;
  }

  toJson(now: number): ErrorGroup {
    this.#advance(now);
    const { id, code, category, pool, command, shape, count } = this;
    return {
      ...{ id, code, category, pool, command, message: shape, count },
      first_seen: new Date(this.firstSeen).toISOString(),
      last_seen: new Date(this.lastSeen).toISOString(),
      last_error_id: this.lastId,
      per_minute: Array.from(
        { length: MINUTES },
        (_, i) => this.#perMinute[(this.#minute + 1 + i) % MINUTES] as number,
      ),
    };
  }

  /** Empties the places of the minutes in which nothing happened. */
  #advance(now: number): void {
    const minute = Math.floor(now / MINUTE_MS);
    const passed = Math.min(minute - this.#minute, MINUTES);
    for (let i = 0; i < passed; i++) this.#perMinute[(minute - i) % MINUTES] = 0;
    if (passed > 0) this.#minute = minute;
  }
}

const idOf = (kind: readonly (string | null)[]): string =>
  createHash('sha256').update(JSON.stringify(kind)).digest('hex').slice(0, ID_DIGITS);

type Kind = Pick<Group, 'pool' | 'command' | 'shape'>;

const kindOf = (record: ErrorRecord): Kind => ({
  pool: record.code === 'unknown_pool' ? UNKNOWN : record.pool,
  command: record.code === 'unknown_command' ? UNKNOWN : record.command,
  shape: shapeOf(record.message, [record.workerId, record.requestId, record.correlationId]),
});

const lengthOf = (name: string | null) => (name === null ? '' : name.length);

/** The lengths keep two kinds apart whose names, put together, read the same. */
const keyOf = (code: string, { pool, command, shape }: Kind): string =>
  `${code.length},${lengthOf(pool)},${lengthOf(command)}:${code}${pool}${command}${shape}`;

/** Sorts errors by kind. Bounded: the kind not seen for longest makes room. */
export class ErrorGroups {
  readonly #max: number;
  /** Last seen last. */
  readonly #groups = new Map<string, Group>();
  #newest: Group | undefined;
  evicted = 0;

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#groups.size;
  }

  /** Counts an error and returns its group. */
  add(id: string, record: ErrorRecord): Group {
    const kind = kindOf(record);
    const key = keyOf(record.code, kind);
    const known = this.#groups.get(key);
    const group = known ?? new Group(record, kind);
    if (group !== this.#newest) {
      if (known !== undefined) this.#groups.delete(key);
      this.#groups.set(key, group);
      this.#newest = group;
    }
    group.add(id, record.at);
    if (this.#groups.size > this.#max) this.#evict();
    return group;
  }

  /** Last seen first. */
  newestFirst(): Group[] {
    return [...this.#groups.values()].reverse();
  }

  #evict(): void {
    const [oldest] = this.#groups.keys();
    this.#groups.delete(oldest as string);
    this.evicted++;
  }
}
