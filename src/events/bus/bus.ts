import type { EventName, Measurements, MetadataInput, SnakepitEvent } from '../catalog.ts';
import { now } from '../clock.ts';
import { currentContext } from '../context.ts';
import { type Consumer, type ConsumerCounts, InlineConsumer } from './consumer.ts';
import { compilePattern, type NameLike, nameFault, nameOf } from './pattern.ts';

/** Distinct names beyond this many share one handle, so that a loop that invents names cannot grow memory. */
const MAX_NAMES = 2000;
const OVERFLOW_NAME = 'snakepit.observability.other';

/**
 * One event name, with its consumers resolved. Hot paths keep the handle and ask {@link EventHandle.wanted} before they build
 * anything: an event nobody wants costs a branch and an addition.
 */
export class EventHandle<N extends string = string> {
  readonly name: N;
  /** Times this event happened, wanted or not. */
  count = 0;
  #consumers: readonly InlineConsumer[] = [];

  constructor(name: N) {
    this.name = name;
  }

  /** Whether anyone would get it. */
  get wanted(): boolean {
    return this.#consumers.length > 0;
  }

  /** @internal */
  route(consumers: readonly InlineConsumer[]): void {
    this.#consumers = consumers;
  }

  /** Counts the event and hands it to its consumers. `metadata` becomes part of the event: the caller must not reuse it. Never throws. */
  emit(
    measurements: N extends EventName ? Measurements<N> : Record<string, unknown>,
    metadata: N extends EventName ? MetadataInput<N> : Record<string, unknown>,
  ): void {
    this.count++;
    const consumers = this.#consumers;
    if (consumers.length === 0) return;
    const stamped = metadata as { timestamp?: number; correlation_id?: string };
    stamped.timestamp ??= now();
    if (stamped.correlation_id === undefined) {
      const inherited = currentContext()?.correlation_id;
      if (inherited !== undefined) stamped.correlation_id = inherited;
    }
    const event = { event_name: this.name, measurements, metadata } as unknown as SnakepitEvent;
    for (let i = 0; i < consumers.length; i++) (consumers[i] as InlineConsumer).deliver(event);
  }
}

type PatternLike = NameLike | { readonly patterns: readonly NameLike[] };
const isSeveral = (pattern: PatternLike): pattern is { readonly patterns: readonly NameLike[] } =>
  typeof pattern === 'object' && 'patterns' in pattern;

interface Registration {
  readonly matches: (name: string) => boolean;
  readonly consumer: InlineConsumer;
}

/**
 * The event bus: everything that happens passes here once, and consumers make metrics, logs and health of it.
 */
export class EventBus {
  readonly #handles = new Map<string, EventHandle>();
  #registrations: readonly Registration[] = [];
  readonly #lastComplaint = new Map<InlineConsumer, number>();
  /** Events whose name or fields could not be taken. */
  malformed = 0;

  /** The handle of a name, made on first use. Keep it where events are frequent. */
  event<N extends EventName>(name: N): EventHandle<N>;
  event(name: NameLike): EventHandle;
  event(name: NameLike): EventHandle {
    const key = nameOf(name);
    const known = this.#handles.get(key);
    if (known !== undefined) return known;
    const kept = this.#handles.size < MAX_NAMES ? key : OVERFLOW_NAME;
    const handle = this.#handles.get(kept) ?? new EventHandle(kept);
    this.#handles.set(kept, handle);
    this.#route(handle);
    return handle;
  }

  /**
   * Emits an event. Never throws: what cannot be taken is counted in {@link EventBus.malformed}.
   *
   * @param name - `'my.event'` or `['my', 'event']`; parts of letters, digits, `_` and `-`, at most 200 characters
   * @param measurements - what was measured
   * @param metadata - what it was about; `timestamp` and, inside `withContext`, `correlation_id` are added
   */
  emit<N extends EventName>(name: N, measurements: Measurements<N>, metadata?: MetadataInput<N>): void;
  emit(name: NameLike, measurements?: Record<string, unknown>, metadata?: Record<string, unknown>): void;
  emit(
    name: NameLike,
    measurements: Record<string, unknown> = {},
    metadata: Record<string, unknown> = {},
  ): void {
    try {
      const key = nameOf(name);
      const known = this.#handles.get(key);
      if (known === undefined && nameFault(key) !== undefined) {
        this.malformed++;
        return;
      }
      (known ?? this.event(key)).emit({ ...measurements }, { ...metadata });
    } catch {
      this.malformed++;
    }
  }

  /**
   * Registers a consumer for the names a pattern matches. It is called at once, inside the emit, so it must be quick; what it throws is counted and goes no further.
   *
   * @param pattern - a name; a part may be `*`, and a final `**` matches the rest. `{ patterns }` for several: an event
   *   that matches more than one is still delivered once
   * @param consumer - a function, or `{ name, handle }`; names are unique
   * @returns a disposer that removes it again
   * @throws TypeError on a malformed pattern, a consumer that cannot be called, or a name already taken
   */
  registerConsumer(pattern: PatternLike, consumer: Consumer): () => void {
    const tests = (isSeveral(pattern) ? pattern.patterns : [pattern]).map(compilePattern);
    const matches = (name: string) => tests.some((test) => test(name));
    const handle = typeof consumer === 'function' ? consumer : consumer?.handle?.bind(consumer);
    if (typeof handle !== 'function') {
      throw new TypeError('A consumer is a function or an object { name, handle }.');
    }
    const name = consumer.name || `consumer_${this.#registrations.length + 1}`;
    if (this.#registrations.some((other) => other.consumer.counts.name === name)) {
      throw new TypeError(`A consumer named '${name}' is registered already; names are unique.`);
    }
    const registration: Registration = {
      matches,
      consumer: new InlineConsumer(name, handle, (...failure) => this.#complain(...failure)),
    };
    this.#replace([...this.#registrations, registration]);
    return () => {
      this.#lastComplaint.delete(registration.consumer);
      this.#replace(this.#registrations.filter((other) => other !== registration));
    };
  }

  /** How often each event happened. */
  counts(): { event: string; count: number }[] {
    return [...this.#handles.values()].map((handle) => ({ event: handle.name, count: handle.count }));
  }

  /** What became of the events offered to each consumer. */
  consumers(): ConsumerCounts[] {
    return this.#registrations.map((registration) => ({ ...registration.consumer.counts }));
  }

  #replace(registrations: readonly Registration[]): void {
    this.#registrations = registrations;
    for (const handle of this.#handles.values()) this.#route(handle);
  }

  #route(handle: EventHandle): void {
    handle.route(this.#registrations.filter((r) => r.matches(handle.name)).map((r) => r.consumer));
  }

  #complain(consumer: InlineConsumer, event: SnakepitEvent, error: unknown): void {
    const name: EventName = 'snakepit.observability.consumer_failed';
    // A consumer that fails on this very event would call itself for ever.
    if (event.event_name === name) return;
    const at = now();
    if (at - (this.#lastComplaint.get(consumer) ?? Number.NEGATIVE_INFINITY) < 1000) return;
    this.#lastComplaint.set(consumer, at);
    let message = 'a value that cannot be shown';
    try {
      message = error instanceof Error ? error.message : String(error);
    } catch {
      // A thrown object may refuse to become a string.
    }
    this.emit(
      name,
      { failures: consumer.counts.failed },
      { consumer: consumer.counts.name, event: event.event_name, message },
    );
  }
}
