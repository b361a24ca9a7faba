import { isDeepStrictEqual } from 'node:util';
import type { EventName, Measurements, MetadataInput } from '../catalog.ts';
import { monotonic } from '../clock.ts';
import type { LogContext } from '../context.ts';
import type { Consumer, ConsumerOptions } from './consumer.ts';
import { Gate } from './gate.ts';
import { EventHandle } from './handle.ts';
import { checkRateLimit, type RateLimit, RateLimiter } from './limiter.ts';
import { ListenerOutlet, type ListenOptions } from './listener.ts';
import { type BusSettings, defaultSettings, resolveConsumerOptions } from './options.ts';
import type { Outlet } from './outlet.ts';
import { makeOutlet } from './outlets.ts';
import { compilePattern, type NameLike, nameFault, nameOf } from './pattern.ts';
import { Reporter } from './reporter.ts';
import { Rules } from './rules.ts';
import { checkRate, KEEP_ALL, Sampling } from './sampling.ts';
import { span } from './span.ts';
import { Tallies } from './tallies.ts';
import type { ConsumerCounts } from './tally.ts';

/** Distinct names beyond this many share one handle, so that a loop that invents names cannot grow memory. */
const MAX_NAMES = 2000;
const OVERFLOW_NAME = 'snakepit.observability.other';
const DEFAULT_FLUSH_MS = 2000;

interface Several {
  readonly patterns: readonly NameLike[];
  readonly except?: readonly NameLike[];
}

/** Which events: a name; a part may be `*`, and a final `**` matches the rest. `{ patterns }` for several: an event that matches more than one is still delivered once, and one that matches any of `except` is not. */
export type PatternLike = NameLike | Several;
const isSeveral = (pattern: PatternLike): pattern is Several =>
  typeof pattern === 'object' && 'patterns' in pattern;

/**
 * The request an event tells of, for consumers that are called inline: what is too much, or too private, for the metadata. Set by the emitter while it emits, so that nothing
 * of it is copied or formatted unless somebody wants it.
 */
export interface EventSubject {
  readonly requestId: string;
  /** As the caller gave them: not sanitized. */
  readonly rawArgs: unknown;
  readonly traceparent: string | undefined;
  /** The caller's. */
  readonly context: LogContext | undefined;
}

interface Registration {
  readonly matches: (name: string) => boolean;
  readonly outlet: Outlet;
}

/** What a consumer did not get any more when the bus was closed. */
export interface Unflushed {
  readonly consumer: string;
  readonly events: number;
}

/**
 * The event bus: everything that happens passes here once, and consumers make metrics, logs and health of it.
 *
 * Longer than other files, since it is the whole of what users of the bus call, with what they have to know of it; what happens to events stands in the files beside it.
 *
 * Consumers that are exact see every event. Before the others stand sampling, rate limits and, unless they are called inline, a queue of their own. Whatever does not reach a consumer is
 * counted, by reason; see {@link EventBus.consumers}.
 */
export class EventBus {
  readonly #handles = new Map<string, EventHandle>();
  readonly #tallies = new Tallies();
  readonly #reporter: Reporter;
  readonly #gate: Gate;
  readonly #sampling = new Rules<Sampling>();
  readonly #limits = new Rules<RateLimit>();
  #settings = defaultSettings;
  #registrations: readonly Registration[] = [];
  #state: 'on' | 'off' | 'closed' = 'on';
  /** Events whose name or fields could not be taken. */
  malformed = 0;
  /** @internal What the event being emitted is about, beyond its metadata; see {@link EventSubject}. */
  subject: EventSubject | undefined;

  constructor() {
    this.#reporter = new Reporter((name, measurements, metadata) =>
      this.event(name).emit(measurements as never, metadata as never),
    );
    this.#gate = new Gate({
      ...defaultSettings,
      onLimited: (event, key) => this.#reporter.limited(event, key),
    });
  }

  /** Whether events reach anybody. Off, an emit costs a branch. */
  get enabled(): boolean {
    return this.#state === 'on';
  }

  set enabled(on: boolean) {
    if (this.#state === 'closed') return;
    this.#state = on ? 'on' : 'off';
    this.#routeAll();
  }

  /** The handle of a name, made on first use. Keep it where events are frequent. */
  event<N extends EventName>(name: N): EventHandle<N>;
  event(name: NameLike): EventHandle;
  event(name: NameLike): EventHandle {
    const key = nameOf(name);
    const known = this.#handles.get(key);
    if (known !== undefined) return known;
    const kept = this.#handles.size < MAX_NAMES ? key : OVERFLOW_NAME;
    const handle = this.#handles.get(kept) ?? new EventHandle(kept, this.#gate);
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
  emit(name: NameLike, measurements?: Record<string, unknown>, metadata?: Record<string, unknown>): void {
    if (this.#state === 'off') return;
    try {
      const key = nameOf(name);
      const handle = this.#handles.get(key) ?? this.#named(key);
      if (handle === undefined) this.malformed++;
      else if (handle.wanted) handle.emit({ ...measurements }, { ...metadata });
      else handle.count++;
    } catch {
      this.malformed++;
    }
  }

  /**
   * Runs `fn` between the events `<name>.start` and `<name>.completed`, or `<name>.failed` with the class of the error; both have `duration_ms`. A promise is followed to its end. Returns, or throws, what `fn` does.
   *
   * @param metadata - goes with each of the events
   */
  span<T>(name: NameLike, fn: () => T, metadata: Record<string, unknown> = {}): T {
    return span((...event) => this.emit(...event), nameOf(name), metadata, fn);
  }

  /**
   * Registers a consumer for the names a pattern matches. By default it is called from a queue of its own when the emitter's turn is over; see {@link ConsumerOptions}. What it throws is counted and goes no further.
   *
   * @param pattern - see {@link PatternLike}
   * @param consumer - a function, or `{ name, handle }`, or `{ name, handleBatch }`; names are unique
   * @returns a disposer that removes it again; what still waits is dropped as `removed`
   * @throws TypeError on a malformed pattern or option, a consumer that cannot be called, or a name already taken
   */
  registerConsumer(pattern: PatternLike, consumer: Consumer, options?: ConsumerOptions): () => void {
    const matches = compilePatterns(pattern);
    const name = consumer?.name || this.#freeName('consumer');
    const outlet = makeOutlet(name, consumer, resolveConsumerOptions(options), {
      tally: () => this.#claim(name),
      reporter: this.#reporter,
    });
    this.#add({ matches, outlet });
    return () => this.#remove(outlet);
  }

  /**
   * Events as they come, for a `for await` loop. Leaving the loop, or aborting the signal, ends it.
   *
   * @example
   * for await (const event of pit.bus.listen('snakepit.worker.**')) console.log(event.event_name);
   */
  listen(pattern: PatternLike, { name, sampled, queue = {}, signal }: ListenOptions = {}): ListenerOutlet {
    const matches = compilePatterns(pattern);
    const options = resolveConsumerOptions({ queue, ...(sampled !== undefined && { sampled }) });
    const label = name ?? this.#freeName('listener');
    const outlet = new ListenerOutlet({
      name: label,
      tally: this.#claim(label),
      sampled: options.sampled,
      queue: options.queue,
      onLoss: (...loss) => this.#reporter.lost(...loss),
      onEnd: (ended) => this.#remove(ended),
    });
    this.#add({ matches, outlet });
    if (signal?.aborted) this.#remove(outlet);
    else signal?.addEventListener('abort', () => this.#remove(outlet), { once: true });
    return outlet;
  }

  /**
   * Sets the share of events that sampled consumers see, from now on. The decision falls by correlation id, so the events of one request are kept or let go together; failures, slow requests and lifecycle events pass all the same.
   *
   * @param pattern - a name or pattern; the most specific that matches an event counts
   * @param rate - 0 (none) to 1 (all)
   * @throws TypeError on a malformed pattern, RangeError on another rate
   */
  setSamplingRate(pattern: NameLike, rate: number): void {
    this.#sampling.set(pattern, checkRate(rate) === 1 ? KEEP_ALL : new Sampling(rate));
    this.#routeAll();
  }

  /**
   * Limits how many events of each name that matches reach the sampled consumers. What is let go is counted, and told by one event `snakepit.observability.dropped` every few seconds.
   *
   * @param limit - null takes it away
   * @throws TypeError on a malformed pattern or limit
   */
  setRateLimit(pattern: NameLike, limit: RateLimit | null): void {
    if (limit === null) this.#limits.delete(pattern);
    else this.#limits.set(pattern, checkRateLimit(limit));
    this.#routeAll();
  }

  /** Puts other settings in place of those given before; rates and limits set one by one stay where the settings do not name them. They are valid: the schema has seen them. */
  configure(settings: Partial<BusSettings>): void {
    const before = this.#settings;
    const next = { ...before, ...settings };
    this.#settings = next;
    replace(this.#sampling, before.sampling, next.sampling, (rate) => new Sampling(rate));
    replace(this.#limits, before.rateLimits, next.rateLimits, (limit) => limit);
    if (!isDeepStrictEqual([before.keep, before.hold], [next.keep, next.hold])) this.#gate.configure(next);
    this.#routeAll();
  }

  /** What is in force. */
  settings(): BusSettings {
    return {
      ...this.#settings,
      sampling: Object.fromEntries(this.#sampling.entries().map(([pattern, { rate }]) => [pattern, rate])),
      rateLimits: Object.fromEntries(this.#limits.entries()),
    };
  }

  /** How often each event happened. */
  counts(): { event: string; count: number }[] {
    return [...this.#handles.values()].map((handle) => ({ event: handle.name, count: handle.count }));
  }

  /** What became of the events offered to each consumer, those that are gone included. */
  consumers(): ConsumerCounts[] {
    return this.#tallies.read(this.#registrations.map(({ outlet }) => outlet));
  }

  /**
   * Delivers what waits and takes nothing more; only exact consumers that are called inline go on, since for them nothing ever waits. Whatever cannot be delivered in time is counted as dropped with reason `shutdown`.
   *
   * @param withinMs - milliseconds, default 2000
   * @returns who did not get how many
   */
  async close(withinMs = DEFAULT_FLUSH_MS): Promise<Unflushed[]> {
    this.#gate.close();
    this.#reporter.flush();
    const outlets = this.#registrations.map(({ outlet }) => outlet);
    const lostBefore = outlets.map(lost);
    const until = monotonic() + withinMs;
    this.#state = 'closed';
    this.#routeAll();
    await Promise.all(outlets.map((outlet) => outlet.close(until)));
    this.#reporter.stop();
    return outlets.flatMap((outlet, i) => {
      const events = lost(outlet) - (lostBefore[i] as number);
      return events === 0 ? [] : [{ consumer: outlet.name, events }];
    });
  }

  #named(key: string): EventHandle | undefined {
    return nameFault(key) === undefined ? this.event(key) : undefined;
  }

  #claim(name: string) {
    const taken = this.#registrations.some(({ outlet }) => outlet.name === name);
    if (taken) throw new TypeError(`A consumer named '${name}' is registered already; names are unique.`);
    return this.#tallies.of(name);
  }

  #freeName(stem: string): string {
    const taken = new Set(this.#registrations.map(({ outlet }) => outlet.name));
    let name = stem;
    for (let i = 2; taken.has(name); i++) name = `${stem}_${i}`;
    return name;
  }

  #add(registration: Registration): void {
    this.#registrations = [...this.#registrations, registration];
    this.#routeAll();
  }

  #remove(outlet: Outlet): void {
    if (!this.#registrations.some((registration) => registration.outlet === outlet)) return;
    this.#registrations = this.#registrations.filter((registration) => registration.outlet !== outlet);
    this.#routeAll();
    this.#gate.forget(outlet);
    outlet.remove();
  }

  #routeAll(): void {
    for (const handle of this.#handles.values()) this.#route(handle);
  }

  #route(handle: EventHandle): void {
    const matching = this.#active().filter(({ matches }) => matches(handle.name));
    const outlets = matching.map(({ outlet }) => outlet);
    const limit = this.#limits.of(handle.name);
    handle.route({
      exact: outlets.filter((outlet) => !outlet.sampled),
      sampled: outlets.filter((outlet) => outlet.sampled),
      sampling: this.#sampling.of(handle.name) ?? KEEP_ALL,
      limiter: limiterOf(limit, handle.limiter),
      telling: this.#isTelling(handle),
    });
  }

  /** Where events may be held back, the gate must see how requests end. */
  #isTelling({ trait }: EventHandle): boolean {
    if (trait !== 'failure' && trait !== 'end') return false;
    const holds = this.#sampling.entries().some(([, { all }]) => !all);
    return holds && this.#active().some(({ outlet }) => outlet.sampled);
  }

  #active(): readonly Registration[] {
    if (this.#state === 'off') return [];
    const { consumers } = this.#settings;
    return this.#registrations.filter(
      ({ outlet }) => consumers[outlet.name] !== false && (this.#state === 'on' || outlet.outlasts),
    );
  }
}

const compilePatterns = (pattern: PatternLike): ((name: string) => boolean) => {
  const { patterns, except = [] } = isSeveral(pattern) ? pattern : { patterns: [pattern] };
  const [tests, exceptions] = [patterns.map(compilePattern), except.map(compilePattern)];
  return (name) => tests.some((test) => test(name)) && !exceptions.some((test) => test(name));
};

const replace = <V, T>(
  rules: Rules<T>,
  before: Readonly<Record<string, V>>,
  next: Readonly<Record<string, V>>,
  make: (value: V) => T,
): void => {
  for (const pattern of Object.keys(before)) if (!Object.hasOwn(next, pattern)) rules.delete(pattern);
  for (const [pattern, value] of Object.entries(next)) rules.set(pattern, make(value));
};

/** One that limits the same goes on: consumers come and go, and its buckets must not be full again for that. */
const limiterOf = (
  limit: RateLimit | undefined,
  before: RateLimiter | undefined,
): RateLimiter | undefined => {
  if (limit === undefined) return undefined;
  return before !== undefined && isDeepStrictEqual(before.limit, limit) ? before : new RateLimiter(limit);
};

const lost = (outlet: Outlet): number => outlet.counts().dropped.shutdown;
