import type { SnakepitEvent } from '../catalog.ts';
import { after, monotonic, type Timer } from '../clock.ts';
import { withoutContext } from '../context.ts';
import type { ConsumerCircuit } from './circuit.ts';
import type { BatchDelivery, Delivery, ResolvedConsumerOptions } from './consumer.ts';
import { Intake } from './intake.ts';
import { Outlet } from './outlet.ts';
import { isPromise } from './promise.ts';
import { type Parcel, parcelOf } from './queue.ts';
import { backoff } from './retry.ts';
import type { ConsumerCounts, DropReason, Tally } from './tally.ts';

/** A consumer may be ahead of its share of the thread by this much; then it waits until it no longer is. Milliseconds. */
const CREDIT_MS = 0.25;
/** The event loop is given back after this many deliveries, whatever the clock says. */
const MAX_DELIVERIES = 1000;
const MAX_REST_MS = 10_000;

/** How the consumer is called. */
export type Deliver =
  | { readonly kind: 'one'; readonly handle: (event: SnakepitEvent, delivery: Delivery) => unknown }
  | {
      readonly kind: 'batch';
      readonly handle: (events: readonly SnakepitEvent[], delivery: BatchDelivery) => unknown;
    };

/** What a consumer with a queue of its own is made from. */
export interface QueuedInit {
  readonly name: string;
  readonly tally: Tally;
  readonly circuit: ConsumerCircuit;
  readonly deliver: Deliver;
  readonly options: ResolvedConsumerOptions;
  /** An event is given up since a delivery failed or was late. */
  readonly onFailure: (outlet: Outlet, event: SnakepitEvent, error: unknown) => void;
  /** An event is given up for want of room, or since the circuit is open. */
  readonly onLoss: (outlet: Outlet, event: SnakepitEvent, reason: DropReason) => void;
  readonly random?: () => number;
}

/** Events that are delivered, and fail, together. */
class Batch {
  attempt = 0;
  #controller: AbortController | undefined;

  constructor(readonly parcels: readonly Parcel[]) {}

  get weight(): number {
    return (this.parcels[0] as Parcel).weight;
  }

  get weights(): readonly number[] {
    return this.parcels.map((parcel) => parcel.weight);
  }

  /** Made only if somebody asks: most consumers do not. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    return this.#controller.signal;
  }

  abort(reason: Error): void {
    this.#controller?.abort(reason);
  }
}

type Stage =
  | { readonly kind: 'idle' }
  /** A turn comes when the emitter is done. */
  | { readonly kind: 'scheduled' }
  | { readonly kind: 'delivering'; readonly batch: Batch; deadline: Timer | undefined }
  /** Until it may go on. `failure`: it is tried again then. `share`, `batch`: it is ahead of its share, or a batch may yet fill; when the bus closes neither is waited for. */
  | {
      readonly kind: 'resting';
      readonly why: 'failure' | 'share' | 'batch';
      readonly timer: Timer | undefined;
    }
  | { readonly kind: 'closed'; readonly reason: DropReason };

/** A delivery that is accounted for: from here on, what the bus says of it may make somebody remove the consumer, which must not count it again. */
const ACCOUNTED: Stage = { kind: 'delivering', batch: new Batch([]), deadline: undefined };
const IDLE: Stage = { kind: 'idle' };
const SCHEDULED: Stage = { kind: 'scheduled' };

/**
 * Longer than other files, since one state is moved on here and nowhere else.
 *
 * A consumer with a queue of its own: bounded, delivered from when the emitter's turn is over, one delivery at a time, each with a deadline, under a breaker. However it
 * behaves, it costs its own events only.
 */
export class QueuedOutlet extends Outlet {
  readonly #init: QueuedInit;
  readonly #intake: Intake;
  #stage: Stage = IDLE;
  /** Time on the thread that its share does not cover yet, as of a moment. Milliseconds. */
  #used = 0;
  #usedAt = 0;
  /** Failed, and to be tried again. */
  #again: Batch | undefined;
  /** Takes nothing more; what waits is still delivered. */
  #closing = false;
  #drained: (() => void) | undefined;

  constructor(init: QueuedInit) {
    super(init.name, init.options.sampled, init.tally);
    this.#init = init;
    this.#intake = new Intake(init.options.queue, (parcel) => this.#lose(parcel.event, 'overflow'));
  }

  counts(): ConsumerCounts {
    return this.tally.read(this.name, this.#init.circuit.state);
  }

  close(until: number): Promise<void> {
    this.#closing = true;
    const giveUp = () => this.#end('shutdown', new Error('The bus is closed.'));
    const left = until - monotonic();
    const isIdle = this.#stage.kind === 'idle' || this.#stage.kind === 'closed';
    if (isIdle || left <= 0 || this.#init.circuit.remaining(monotonic()) > left) {
      giveUp();
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      const timer = after(left, giveUp);
      this.#drained = () => {
        timer.stop();
        resolve();
      };
      this.#hurry();
    });
  }

  remove(): void {
    this.#end('removed', new Error('The consumer was removed.'));
  }

  protected accept(event: SnakepitEvent, weight: number): void {
    const stage = this.#stage;
    if (stage.kind === 'closed') this.drop(stage.reason);
    else if (this.#closing) this.drop('shutdown');
    else if (!this.#init.circuit.isClosed && !this.#init.circuit.admits(monotonic()))
      this.#lose(event, 'circuit_open');
    else {
      this.#intake.push(parcelOf(event, weight));
      if (this.#stage.kind === 'idle') this.#schedule();
    }
  }

  #lose(event: SnakepitEvent, reason: DropReason): void {
    this.drop(reason);
    this.#init.onLoss(this, event, reason);
  }

  #schedule(): void {
    const { deliver, options } = this.#init;
    if (deliver.kind === 'batch' && options.batch.waitMs > 0 && !this.#closing)
      this.#rest('batch', options.batch.waitMs);
    else {
      this.#stage = SCHEDULED;
      // Not in the context of whoever emitted: a consumer works for all of them.
      withoutContext(() => queueMicrotask(() => this.#turn()));
    }
  }

  /** Delivers until nothing waits, a promise has to be waited for, or it has had its share of the thread. */
  #turn(): void {
    let deliveries = 0;
    for (let at = monotonic(); this.#stage.kind !== 'closed'; at = monotonic()) {
      const { circuit } = this.#init;
      const debt = this.#debt(at);
      if (debt > 0) return this.#rest('share', debt);
      if (!circuit.admits(at)) return this.#rest('failure', circuit.remaining(at));
      if (++deliveries > MAX_DELIVERIES) return this.#yield();
      const batch = this.#next();
      if (batch === undefined) return this.#rests();
      if (this.#attempt(batch, at) === 'pending') return;
      // It may have been closed, or told to rest, by what it has just done.
      if (this.#stage.kind !== 'delivering') return;
    }
  }

  /** Milliseconds to wait until it is back within its share; 0 when it is. What it used is forgiven at the rate of the share. */
  #debt(at: number): number {
    const { share } = this.#init.options;
    this.#used = Math.max(0, this.#used - (at - this.#usedAt) * share);
    this.#usedAt = at;
    return this.#used < CREDIT_MS || this.#closing ? 0 : Math.min(MAX_REST_MS, this.#used / share);
  }

  /** Goes on at once where it rests out of politeness. */
  #hurry(): void {
    if (this.#stage.kind !== 'resting' || this.#stage.why === 'failure' || this.#stage.timer === undefined)
      return;
    this.#stage.timer.stop();
    this.#turn();
  }

  #rests(): void {
    this.#stage = IDLE;
    if (this.#closing) this.#end('shutdown', new Error('The bus is closed.'));
  }

  #yield(): void {
    this.#stage = { kind: 'resting', why: 'share', timer: undefined };
    setImmediate(() => this.#turn());
  }

  #rest(why: 'failure' | 'share' | 'batch', ms: number): void {
    this.#stage = { kind: 'resting', why, timer: after(Math.max(1, ms), () => this.#turn()) };
  }

  #next(): Batch | undefined {
    const again = this.#again;
    this.#again = undefined;
    if (again !== undefined) return again;
    const { deliver, options, circuit } = this.#init;
    const most = deliver.kind === 'one' || !circuit.isClosed ? 1 : options.batch.maxEvents;
    const parcels: Parcel[] = [];
    while (parcels.length < most) {
      const parcel = this.#intake.shift();
      if (parcel === undefined) break;
      parcels.push(parcel);
    }
    return parcels.length === 0 ? undefined : new Batch(parcels);
  }

  /** Calls the consumer. `pending` when it returned a promise. */
  #attempt(batch: Batch, at: number): 'settled' | 'pending' {
    this.#stage = { kind: 'delivering', batch, deadline: undefined };
    let promise: Promise<unknown> | undefined;
    try {
      const returned = this.#call(batch);
      // Wrapped, since what only looks like a promise may throw, or call back at once.
      if (isPromise(returned)) promise = Promise.resolve(returned);
    } catch (error) {
      this.#used += monotonic() - at;
      this.#failed(batch, error, true);
      return 'settled';
    }
    const took = monotonic() - at;
    this.#used += took;
    if (promise === undefined) {
      this.#returned(batch, took);
      return 'settled';
    }
    this.#wait(batch, promise);
    return 'pending';
  }

  #call(batch: Batch): unknown {
    const { deliver } = this.#init;
    if (deliver.kind === 'one') return deliver.handle((batch.parcels[0] as Parcel).event, batch);
    return deliver.handle(
      batch.parcels.map((parcel) => parcel.event),
      batch,
    );
  }

  #wait(batch: Batch, promise: Promise<unknown>): void {
    const { deadlineMs } = this.#init.options;
    const late = () => {
      const error = new Error(`It took longer than ${deadlineMs} ms.`);
      if (!this.#isDelivering(batch)) return;
      this.#failed(batch, error, false);
      batch.abort(error);
      this.#goOn();
    };
    // The consumer may have removed itself before it returned.
    if (this.#stage.kind === 'delivering') this.#stage.deadline = after(deadlineMs, late);
    promise.then(
      () => {
        if (!this.#isDelivering(batch)) return;
        this.#settled(batch, 0);
        this.#goOn();
      },
      (error) => {
        if (!this.#isDelivering(batch)) return;
        this.#failed(batch, error, true);
        this.#goOn();
      },
    );
  }

  #goOn(): void {
    if (this.#stage.kind === 'delivering') withoutContext(() => this.#turn());
  }

  #isDelivering(batch: Batch): boolean {
    return this.#stage.kind === 'delivering' && this.#stage.batch === batch;
  }

  #returned(batch: Batch, tookMs: number): void {
    if (!this.#isDelivering(batch)) return;
    const { deadlineMs } = this.#init.options;
    if (tookMs <= deadlineMs) this.#settled(batch, tookMs);
    else this.#failed(batch, new Error(`It took longer than ${deadlineMs} ms.`), false);
  }

  #settled(batch: Batch, blockedMs: number): void {
    this.#stopDeadline();
    for (let i = 0; i < batch.parcels.length; i++) this.delivered();
    this.#stage = ACCOUNTED;
    const { circuit, options } = this.#init;
    if (blockedMs > options.maxBlockMs) circuit.failed(monotonic());
    else if (!circuit.isPristine) circuit.succeeded(monotonic());
  }

  #failed(batch: Batch, error: unknown, mayRetry: boolean): void {
    if (!this.#isDelivering(batch)) return;
    this.#stopDeadline();
    const { options, circuit, random = Math.random } = this.#init;
    const { retry } = options;
    if (mayRetry && batch.attempt < retry.attempts && transient(retry.isTransient, error)) {
      this.#again = batch;
      this.#rest('failure', backoff(retry, ++batch.attempt, random));
    } else {
      for (const _ of batch.parcels) this.drop('failed');
      this.#stage = ACCOUNTED;
      for (const { event } of batch.parcels) this.#init.onFailure(this, event, error);
    }
    circuit.failed(monotonic());
  }

  #stopDeadline(): void {
    if (this.#stage.kind === 'delivering') this.#stage.deadline?.stop();
  }

  /** Gives up what waits, what is to be tried again, and what is being delivered. */
  #end(reason: DropReason, why: Error): void {
    const stage = this.#stage;
    if (stage.kind === 'closed') return;
    this.#stage = { kind: 'closed', reason };
    const left = [
      ...(this.#again?.parcels ?? []),
      ...(stage.kind === 'delivering' ? stage.batch.parcels : []),
    ];
    if (stage.kind === 'resting') stage.timer?.stop();
    if (stage.kind === 'delivering') stage.deadline?.stop();
    this.#again = undefined;
    for (const _ of left) this.drop(reason);
    this.#intake.clear(() => this.drop(reason));
    if (stage.kind === 'delivering') stage.batch.abort(why);
    this.#drained?.();
  }
}

const transient = (isTransient: (error: unknown) => boolean, error: unknown): boolean => {
  try {
    return isTransient(error);
  } catch {
    return false;
  }
};
