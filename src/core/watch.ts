import { monotonic } from '../events/index.ts';
import type { Ledger } from './ledger.ts';
import type { Request } from './request.ts';
import type { Stacks } from './stacks.ts';
import type { Worker } from './worker.ts';

/** Looks at requests that are slow or late while they still run: afterwards there is nothing left to see. */
export class Watch {
  readonly #stacks: Stacks;
  readonly #ledger: Ledger;
  /** Slow requests whose stacks are being taken. */
  readonly #looking = new Set<Request>();

  constructor(stacks: Stacks, ledger: Ledger) {
    this.#stacks = stacks;
    this.#ledger = ledger;
  }

  /** A request has become slow: says so, with its stack where it runs. */
  async slow(request: Request): Promise<void> {
    if (request.phase === 'running') {
      this.#looking.add(request);
      await this.#stacks.ofRequest(request, request.worker as Worker);
      // It was settled meanwhile, and has been told as slow for that.
      if (!this.#looking.delete(request)) return;
    }
    this.#ledger.slow(request, monotonic());
  }

  /** Before a request is settled: what is known to be slow is told before it is told as over. */
  settling(request: Request): void {
    if (this.#looking.size > 0 && this.#looking.delete(request)) this.#ledger.slow(request, monotonic());
  }

  /** Its time is over: what it was doing goes into the error. Calls `then` at once or shortly after. */
  late(request: Request, then: () => void): void {
    if (request.phase !== 'running') then();
    else void this.#stacks.ofRequest(request, request.worker as Worker).then(then, then);
  }
}
