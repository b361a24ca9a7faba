import type { ResolvedPool } from '../config/index.ts';
import { after, type Timer } from '../events/index.ts';
import type { Request } from './request.ts';
import type { Stacks } from './stacks.ts';
import type { Worker } from './worker.ts';
import type { WorkerEvents } from './worker-events.ts';

/**
 * Requests whose callers have their answer while Python is still at it, with the time it gets to end them. After that the process is killed:
 * nothing less ends a handler that holds the GIL or swallows `Cancelled`.
 */
export class Graces {
  readonly #options: Pick<ResolvedPool, 'cancelGraceMs'>;
  readonly #stacks: Stacks;
  readonly #events: WorkerEvents;
  readonly #timers = new Map<Request, Timer>();
  /** Workers that are to be killed once the neighbours of what hangs in them are done. */
  readonly #condemned = new Set<Worker>();
  /** Workers whose stacks are being taken before that. */
  readonly #looking = new Set<Worker>();

  constructor(options: Pick<ResolvedPool, 'cancelGraceMs'>, stacks: Stacks, events: WorkerEvents) {
    this.#options = options;
    this.#stacks = stacks;
    this.#events = events;
  }

  /** Has Python end a request that is settled. */
  begin(request: Request, worker: Worker, reason: 'cancelled' | 'timeout'): void {
    worker.cancel(request, reason);
    this.#wait(request, worker);
    this.review(worker);
  }

  #wait(request: Request, worker: Worker): void {
    this.#timers.set(
      request,
      after(this.#options.cancelGraceMs, () => {
        this.#timers.delete(request);
        if (worker.holds(request)) void this.#condemn(request, worker);
      }),
    );
  }

  /** Python is done with a request. */
  end(request: Request): void {
    this.#timers.get(request)?.stop();
    this.#timers.delete(request);
  }

  /** Something about a worker has changed: perhaps nobody is left there whom a kill would hurt, or it has fallen silent. */
  review(worker: Worker): void {
    if (this.#condemned.has(worker)) this.#execute(worker);
  }

  forget(worker: Worker): void {
    this.#condemned.delete(worker);
  }

  stop(): void {
    for (const timer of this.#timers.values()) timer.stop();
    this.#timers.clear();
  }

  async #condemn(request: Request, worker: Worker): Promise<void> {
    if (this.#condemned.has(worker)) return;
    if (this.#looking.has(worker)) {
      // Should the worker be spared after all, this one still hangs.
      this.#wait(request, worker);
      return;
    }
    this.#looking.add(worker);
    // Why it does not end is the question; after the kill nobody can answer it.
    const stack = await this.#stacks.ofRequest(request, worker);
    this.#looking.delete(worker);
    if (!worker.alive || !worker.holds(request)) return;
    this.#condemned.add(worker);
    this.#events.stuck(worker, 'cancel', stack ?? request.stack);
    this.#execute(worker);
  }

  /** Others that run in the worker finish first; each has a deadline of its own, so that this ends. One that does not answer helps none of them. */
  #execute(worker: Worker): void {
    if (worker.load.awaited && !worker.pulse.silent) worker.stop('stuck');
    else worker.kill('stuck');
  }
}
