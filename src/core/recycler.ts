import type { ResolvedPool } from '../config/index.ts';
import { monotonic, type RecycleReason } from '../events/index.ts';
import type { Recycled } from './port.ts';
import type { Supervisor } from './supervisor.ts';
import type { Worker } from './worker.ts';

/** What a worker may become before it is replaced; drawn once for each, so that those that started together do not go together. */
interface Allowance {
  readonly requests: number;
  readonly ageMs: number;
  readonly rssBytes: number;
  /** A replacement that failed is not tried again before this. */
  notBefore: number;
}

/** Replaces workers that have become too old, too used or too large, one at a time. */
export class Recycler {
  readonly #options: Pick<ResolvedPool, 'recycle' | 'maxRestartDelayMs'>;
  readonly #order: 'start_first' | 'stop_first';
  readonly #supervisor: Supervisor;
  #allowances = new WeakMap<Worker, Allowance>();
  readonly #due = new Map<Worker, RecycleReason>();
  #busy = false;

  /** @param order - where the options leave it open */
  constructor(options: ResolvedPool, supervisor: Supervisor, order: 'start_first' | 'stop_first') {
    this.#options = options;
    this.#order = order;
    this.#supervisor = supervisor;
  }

  /** The limits are others now: each worker draws anew. */
  limitsChanged(): void {
    this.#allowances = new WeakMap();
    for (const worker of [...this.#supervisor.workers]) this.check(worker);
  }

  /** Looks at a worker: called with every reading, and after a request where a limit on requests is set. */
  check(worker: Worker): void {
    if (!worker.serving || this.#due.has(worker)) return;
    const reason = this.#reason(worker);
    if (reason === undefined) return;
    this.#due.set(worker, reason);
    void this.#work();
  }

  get countsRequests(): boolean {
    return this.#options.recycle.afterRequests !== undefined;
  }

  /** Replaces one worker now. */
  one(
    worker: Worker,
    reason: RecycleReason,
    order = this.#options.recycle.order ?? this.#order,
  ): Promise<Recycled> {
    return this.#supervisor.recycle(worker, reason, order);
  }

  /** Replaces every worker, one after the other, and stops at the first that does not start. */
  async all(reason: RecycleReason): Promise<Recycled[]> {
    const outcomes: Recycled[] = [];
    for (const { worker } of [...this.#supervisor.slots]) {
      if (worker === undefined) continue;
      const outcome = await this.one(worker, reason);
      outcomes.push(outcome);
      if (outcome.outcome === 'start_failed') break;
    }
    return outcomes;
  }

  async #work(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    for (const [worker, reason] of this.#due) {
      const outcome = worker.serving ? await this.one(worker, reason) : undefined;
      this.#due.delete(worker);
      if (outcome?.outcome === 'start_failed')
        this.#allowance(worker).notBefore = monotonic() + this.#options.maxRestartDelayMs;
    }
    this.#busy = false;
  }

  #reason(worker: Worker): RecycleReason | undefined {
    const { requests, ageMs, rssBytes, notBefore } = this.#allowance(worker);
    const now = monotonic();
    if (now < notBefore) return undefined;
    if (worker.load.finished >= requests) return 'recycled_requests';
    if (now - worker.readyAt >= ageMs) return 'recycled_age';
    return (worker.lastStats?.rssBytes ?? 0) > rssBytes ? 'recycled_memory' : undefined;
  }

  #allowance(worker: Worker): Allowance {
    const known = this.#allowances.get(worker);
    if (known !== undefined) return known;
    const { afterRequests, afterAgeMs, aboveRssBytes, jitter } = this.#options.recycle;
    const draw = (limit: number | undefined) =>
      limit === undefined ? Number.POSITIVE_INFINITY : limit * (1 - jitter * Math.random());
    const allowance = {
      requests: draw(afterRequests),
      ageMs: draw(afterAgeMs),
      rssBytes: draw(aboveRssBytes),
      notBefore: 0,
    };
    this.#allowances.set(worker, allowance);
    return allowance;
  }
}
