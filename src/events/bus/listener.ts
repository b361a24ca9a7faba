import type { SnakepitEvent } from '../catalog.ts';
import { after, monotonic } from '../clock.ts';
import { Intake, type QueueOptions } from './intake.ts';
import { Outlet } from './outlet.ts';
import { parcelOf } from './queue.ts';
import type { ConsumerCounts, DropReason, Tally } from './tally.ts';

/** How somebody who iterates gets events. */
export interface ListenOptions {
  /** Label in the metrics. Default: `listener`, with a number while there are several. */
  readonly name?: string;
  /** Whether sampling and rate limits apply. Default: true. */
  readonly sampled?: boolean;
  /** What may wait while the loop is busy. */
  readonly queue?: Partial<QueueOptions>;
  /** Ends the loop. */
  readonly signal?: AbortSignal;
}

type Resolve = (result: IteratorResult<SnakepitEvent, undefined>) => void;

const DONE: IteratorResult<SnakepitEvent, undefined> = { done: true, value: undefined };

/** Events for a `for await` loop: pulled, where other consumers are pushed to. What comes faster than the loop takes it waits in a bounded queue. */
export class ListenerOutlet extends Outlet implements AsyncIterableIterator<SnakepitEvent, undefined> {
  readonly #intake: Intake;
  readonly #onEnd: (outlet: ListenerOutlet) => void;
  readonly #waiting: Resolve[] = [];
  /** Why it takes no more, once it does not. */
  #ended: DropReason | undefined;
  /** Set while it closes: the loop has taken everything. */
  #emptied: (() => void) | undefined;

  constructor(init: {
    readonly name: string;
    readonly tally: Tally;
    readonly sampled: boolean;
    readonly queue: QueueOptions;
    readonly onLoss: (outlet: Outlet, event: SnakepitEvent, reason: DropReason) => void;
    /** The loop was left. */
    readonly onEnd: (outlet: ListenerOutlet) => void;
  }) {
    super(init.name, init.sampled, init.tally);
    this.#onEnd = init.onEnd;
    this.#intake = new Intake(init.queue, ({ event }) => {
      this.drop('overflow');
      init.onLoss(this, event, 'overflow');
    });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<SnakepitEvent, undefined>> {
    const parcel = this.#intake.shift();
    if (parcel !== undefined) {
      this.delivered();
      return { done: false, value: parcel.event };
    }
    this.#emptied?.();
    if (this.#ended !== undefined || this.#emptied !== undefined) return DONE;
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  async return(): Promise<IteratorResult<SnakepitEvent, undefined>> {
    this.#onEnd(this);
    return DONE;
  }

  counts(): ConsumerCounts {
    return this.tally.read(this.name, 'closed');
  }

  close(until: number): Promise<void> {
    const left = until - monotonic();
    if (this.#intake.size === 0 || left <= 0) this.#end('shutdown');
    if (this.#ended !== undefined) return Promise.resolve();
    return new Promise((resolve) => {
      const end = () => {
        timer.stop();
        this.#end('shutdown');
        resolve();
      };
      const timer = after(left, end);
      this.#emptied = end;
    });
  }

  remove(): void {
    this.#end('removed');
  }

  protected accept(event: SnakepitEvent, weight: number): void {
    if (this.#ended !== undefined || this.#emptied !== undefined) {
      this.drop(this.#ended ?? 'shutdown');
      return;
    }
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) {
      this.delivered();
      waiting({ done: false, value: event });
      return;
    }
    this.#intake.push(parcelOf(event, weight));
  }

  #end(reason: DropReason): void {
    if (this.#ended !== undefined) return;
    this.#ended = reason;
    this.#intake.clear(() => this.drop(reason));
    for (const resolve of this.#waiting.splice(0)) resolve(DONE);
  }
}
