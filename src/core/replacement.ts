import { monotonic, type RecycleReason } from '../events/index.ts';
import type { Recycled } from './port.ts';
import type { Worker } from './worker.ts';

/** A planned change of the worker of a slot, until the old one is gone and the new one is ready, or the new one has failed. */
export class Replacement {
  readonly done: Promise<Recycled>;
  readonly #startedAt = monotonic();
  #resolve!: (outcome: Recycled) => void;
  #oldGone = false;
  #successor: Worker | undefined;

  constructor(
    readonly old: Worker,
    readonly reason: RecycleReason,
    readonly order: 'start_first' | 'stop_first',
  ) {
    this.done = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  /** The new worker is ready. Returns whether all is done. */
  ready(successor: Worker): boolean {
    this.#successor = successor;
    return this.#finish();
  }

  /** The old worker has ended. Returns whether all is done. */
  oldEnded(): boolean {
    this.#oldGone = true;
    return this.#finish();
  }

  /** No new worker will come of it. */
  failed(error: string): void {
    this.#settle({ new_worker_id: null, outcome: 'start_failed', error });
  }

  #finish(): boolean {
    if (!this.#oldGone || this.#successor === undefined) return false;
    this.#settle({ new_worker_id: this.#successor.id, outcome: 'replaced' });
    return true;
  }

  #settle(outcome: Pick<Recycled, 'new_worker_id' | 'outcome' | 'error'>): void {
    const { id: old_worker_id, slot } = this.old;
    this.#resolve({ slot, old_worker_id, ...outcome, duration_ms: monotonic() - this.#startedAt });
  }
}
