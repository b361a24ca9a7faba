import { randomBytes } from 'node:crypto';
import { now, type SnakepitEvent } from '../../events/index.ts';
import type { InstanceSanitizer } from '../../sanitize/index.ts';
import type { Entry } from './entry.ts';

/** Why a viewer has to begin anew. */
export type ResetReason = 'other_instance' | 'too_old';

const MARK_BYTES = 4;
const RETRY_MS = 1000;
/** The last instant RFC 3339 can write. */
const LATEST = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

const timeOf = (timestamp: unknown): string => {
  const at = typeof timestamp === 'number' && timestamp >= 0 && timestamp <= LATEST ? timestamp : now();
  return new Date(at).toISOString();
};

/** An event as viewers get it: sanitized, and with its time in RFC 3339. */
export interface ToldEvent {
  readonly event_name: string;
  readonly measurements: unknown;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** For how many it stands. */
  readonly sample_weight: number;
}

/** Writes what viewers get, in the format of server-sent events (WHATWG HTML, section 9.2). Everything is sanitized here, and nowhere else. */
export class Frames {
  /** Tells the ids of this instance from those of others, and of the one before a restart. */
  readonly mark = randomBytes(MARK_BYTES).toString('hex');
  readonly #safe: Pick<InstanceSanitizer, 'value' | 'canary'>;

  constructor(safe: Pick<InstanceSanitizer, 'value' | 'canary'>) {
    this.#safe = safe;
  }

  idOf(seq: number): string {
    return `${this.mark}-${seq}`;
  }

  /** The sequence number of an id of this instance; undefined for another's. */
  seqOf(id: string): number | undefined {
    const [mark, digits = ''] = id.split('-');
    if (mark !== this.mark || !/^\d{1,15}$/.test(digits)) return undefined;
    return Number(digits);
  }

  /** An event. Written once, however many look. */
  event(entry: Entry): string {
    entry.text ??= `id: ${this.idOf(entry.seq)}\nevent: ${entry.event.event_name}\ndata: ${this.#data(entry)}\n\n`;
    return entry.text;
  }

  /** The first frame: where a viewer begins that has nothing to catch up on, or can catch up on everything. */
  hello(seq: number): string {
    return `retry: ${RETRY_MS}\n${this.#told('hello', seq, { instance: this.mark })}`;
  }

  /** The first frame where some events are missing for ever. What is left of them follows. */
  reset(seq: number, reason: ResetReason): string {
    return `retry: ${RETRY_MS}\n${this.#told('reset', seq, { instance: this.mark, reason })}`;
  }

  /** Stands where events were that this viewer does not get. @param seq - of the last of them */
  dropped(seq: number, count: number): string {
    return this.#told('dropped', seq, { count });
  }

  /** Says nothing but up to where all was seen: to browsers by the id, to others by the comment. */
  heartbeat(seq: number): string {
    return `: at ${this.idOf(seq)}\nid: ${this.idOf(seq)}\n\n`;
  }

  /** The last words. */
  bye(): string {
    return ': the instance is shutting down\n\n';
  }

  #told(name: string, seq: number, data: object): string {
    return `id: ${this.idOf(seq)}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
  }

  /** An event as an object. */
  told({ event, weight }: Entry): ToldEvent {
    const { value, canary } = this.#safe;
    const { event_name, measurements, metadata }: SnakepitEvent = event;
    return {
      event_name,
      measurements: value(measurements),
      metadata: { ...(value(metadata) as object), timestamp: timeOf(metadata.timestamp) },
      sample_weight: weight,
      ...(canary !== undefined && { canary: (value(canary.seed()) as { canary: unknown }).canary }),
    };
  }

  #data(entry: Entry): string {
    const text = JSON.stringify(this.told(entry));
    this.#safe.canary?.inspect('live', text);
    return text;
  }
}
