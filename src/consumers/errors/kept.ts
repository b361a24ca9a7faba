import { weigh } from '../../events/index.ts';
import type { Sanitizer } from '../../sanitize/index.ts';
import type { Group } from './groups.ts';
import type { ErrorRecord } from './record.ts';

/** An error that is kept singly. */
export interface KeptError {
  readonly id: string;
  readonly record: ErrorRecord;
  readonly group: Group;
  readonly bytes: number;
}

/** One error may take this share of the memory for all; a larger one is shortened. */
const LARGEST_SHARE = 1 / 8;
/** The record beside its context. */
const BARE_BYTES = 500;

/** The last errors, bounded by number and by bytes. */
export class KeptErrors {
  readonly #max: number;
  readonly #maxBytes: number;
  readonly #safe: Pick<Sanitizer, 'value'>;
  /** Oldest first. */
  readonly #errors = new Map<string, KeptError>();
  bytes = 0;

  constructor(max: number, maxBytes: number, safe: Pick<Sanitizer, 'value'>) {
    this.#max = max;
    this.#maxBytes = maxBytes;
    this.#safe = safe;
  }

  get size(): number {
    return this.#errors.size;
  }

  get(id: string): KeptError | undefined {
    return this.#errors.get(id);
  }

  /** What a request has failed with. */
  ofRequest(requestId: unknown): ErrorRecord | undefined {
    if (typeof requestId !== 'string') return undefined;
    for (const { record } of this.#errors.values()) if (record.requestId === requestId) return record;
    return undefined;
  }

  newestFirst(): KeptError[] {
    return [...this.#errors.values()].reverse();
  }

  add(id: string, full: ErrorRecord, group: Group): void {
    const fullBytes = weigh(full.context);
    const fits = fullBytes <= this.#maxBytes * LARGEST_SHARE;
    const record = fits ? full : shortened(full, this.#safe);
    const bytes = BARE_BYTES + record.message.length + (fits ? fullBytes : weigh(record.context));
    this.#errors.set(id, { id, record, group, bytes });
    group.kept.push(id);
    this.bytes += bytes;
    while (this.#errors.size > this.#max || (this.bytes > this.#maxBytes && this.#errors.size > 1))
      this.#evict(group);
  }

  /** The oldest goes. But a kind that has more than half of all places gives up one of its own: a flood of refusals must not wash out the one crash behind it. */
  #evict({ kept }: Group): void {
    const [oldest] = kept.length * 2 > this.#errors.size ? kept : this.#errors.keys();
    const error = this.#errors.get(oldest as string) as KeptError;
    this.#errors.delete(error.id);
    this.bytes -= error.bytes;
    // The oldest of all is the oldest of its kind too.
    error.group.kept.shift();
  }
}

/** Sanitizing bounds texts, lists and depth. */
const shortened = (record: ErrorRecord, safe: Pick<Sanitizer, 'value'>): ErrorRecord => ({
  ...record,
  context: safe.value(record.context) as unknown as ErrorRecord['context'],
});
