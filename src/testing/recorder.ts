import { clearTimeout, setTimeout } from 'node:timers';
import type { CataloguedEvent, EventName, NameLike, SnakepitEvent } from '../events/index.ts';
import type { Snakepit } from '../index.ts';

const DEFAULT_TIMEOUT_MS = 5000;

/** The events of an instance since recording began. */
export interface EventRecorder extends Disposable {
  /** In their order. They are shared with other consumers: for reading only. */
  readonly all: readonly SnakepitEvent[];
  /** Those of a name. */
  named<N extends EventName>(name: N): CataloguedEvent<N>[];
  named(name: string): SnakepitEvent[];
  /** Those of a request. */
  of(requestId: string): SnakepitEvent[];
  /**
   * The first event of a name, recorded already or yet to come, that passes the test.
   *
   * @param predicate - which one. Default: any
   * @param options - `timeoutMs`: how long to wait for it, in real time. Default: 5000. Milliseconds
   * @throws Error, as a rejection, when it did not come in time, with the names that came instead
   */
  waitFor<N extends EventName>(
    name: N,
    predicate?: (event: CataloguedEvent<N>) => boolean,
    options?: { readonly timeoutMs?: number },
  ): Promise<CataloguedEvent<N>>;
  waitFor(
    name: string,
    predicate?: (event: SnakepitEvent) => boolean,
    options?: { readonly timeoutMs?: number },
  ): Promise<SnakepitEvent>;
  /** Ends it. What was recorded stays; waits that are open reject. */
  stop(): void;
}

/** Somebody waits for an event. */
interface Waiter {
  readonly name: string;
  readonly predicate: (event: SnakepitEvent) => boolean;
  resolve(event: SnakepitEvent): void;
  reject(error: unknown): void;
}

class Recorder implements EventRecorder {
  readonly all: SnakepitEvent[] = [];
  readonly #waiters = new Set<Waiter>();
  readonly #unregister: () => void;

  constructor(pit: Snakepit, pattern: NameLike) {
    const name = `recorder_${++recorders}`;
    this.#unregister = pit.bus.registerConsumer(
      pattern,
      { name, handle: (event) => this.#take(event) },
      { delivery: 'inline', sampled: false },
    );
  }

  named<N extends EventName>(name: N): CataloguedEvent<N>[];
  named(name: string): SnakepitEvent[];
  named(name: string): SnakepitEvent[] {
    return this.all.filter((event) => event.event_name === name);
  }

  of(requestId: string): SnakepitEvent[] {
    return this.all.filter((event) => event.metadata.request_id === requestId);
  }

  waitFor<N extends EventName>(
    name: N,
    predicate?: (event: CataloguedEvent<N>) => boolean,
    options?: { readonly timeoutMs?: number },
  ): Promise<CataloguedEvent<N>>;
  waitFor(
    name: string,
    predicate: (event: SnakepitEvent) => boolean = () => true,
    { timeoutMs = DEFAULT_TIMEOUT_MS } = {},
  ): Promise<SnakepitEvent> {
    return new Promise((resolve, reject) => {
      const done = () => {
        clearTimeout(timer);
        this.#waiters.delete(waiter);
      };
      const waiter: Waiter = {
        name,
        predicate,
        resolve: (event) => {
          done();
          resolve(event);
        },
        reject: (error) => {
          done();
          reject(error);
        },
      };
      const timer = setTimeout(() => waiter.reject(this.#missing(name)), timeoutMs);
      this.#waiters.add(waiter);
      for (const event of this.all) offer(waiter, event);
    });
  }

  stop(): void {
    this.#unregister();
    for (const waiter of [...this.#waiters]) waiter.reject(this.#missing(waiter.name));
  }

  [Symbol.dispose](): void {
    this.stop();
  }

  #take(event: SnakepitEvent): void {
    this.all.push(event);
    for (const waiter of [...this.#waiters]) offer(waiter, event);
  }

  #missing(name: string): Error {
    const names = [...new Set(this.all.map((event) => event.event_name))];
    const instead = names.length === 0 ? 'no event came at all' : `there were ${names.join(', ')}`;
    return new Error(`The event '${name}' did not come; ${instead}.`);
  }
}

/** A test that throws is the fault of whoever waits, not of the instance. */
const offer = (waiter: Waiter, event: SnakepitEvent): void => {
  if (waiter.name !== event.event_name) return;
  try {
    if (waiter.predicate(event)) waiter.resolve(event);
  } catch (error) {
    waiter.reject(error);
  }
};

let recorders = 0;

/**
 * Records the events of an instance, real or fake, from now on.
 *
 * @param pattern - which: a name, or a pattern as `bus.registerConsumer` takes it. Default: all
 * @example
 * ```ts
 * const events = recordEvents(pit, 'snakepit.request.**');
 * await myService.answer('hi');
 * const done = await events.waitFor('snakepit.request.completed');
 * expect(done.metadata).toMatchObject({ command: 'predict', success: true });
 * events.stop();
 * ```
 */
export const recordEvents = (pit: Snakepit, pattern: NameLike = '**'): EventRecorder =>
  new Recorder(pit, pattern);
