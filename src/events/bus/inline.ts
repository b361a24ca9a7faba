import type { SnakepitEvent } from '../catalog.ts';
import { monotonic } from '../clock.ts';
import type { ConsumerCircuit } from './circuit.ts';
import { Outlet } from './outlet.ts';
import { isPromise } from './promise.ts';
import type { ConsumerCounts, Tally } from './tally.ts';

/** Of an event that stands for itself alone, the rule. */
const WHOLE = Object.freeze({ weight: 1 });

/** What a consumer that is called inside the emit is made from. */
export interface InlineInit {
  readonly name: string;
  readonly sampled: boolean;
  readonly tally: Tally;
  readonly circuit: ConsumerCircuit;
  readonly handle: (event: SnakepitEvent, delivery: { readonly weight: number }) => unknown;
  /** It threw. */
  readonly onFailure: (outlet: Outlet, event: SnakepitEvent, error: unknown) => void;
}

/**
 * Hands one consumer its events inside the emit, under try/catch and a breaker: an observer must never change what a request does.
 */
export class InlineOutlet extends Outlet {
  override readonly outlasts: boolean;
  readonly #circuit: ConsumerCircuit;
  readonly #handle: InlineInit['handle'];
  readonly #onFailure: InlineInit['onFailure'];

  constructor({ name, sampled, tally, circuit, handle, onFailure }: InlineInit) {
    super(name, sampled, tally);
    this.outlasts = !sampled;
    this.#circuit = circuit;
    this.#handle = handle;
    this.#onFailure = onFailure;
  }

  counts(): ConsumerCounts {
    return this.tally.read(this.name, this.#circuit.state);
  }

  async close(): Promise<void> {}

  remove(): void {}

  protected accept(event: SnakepitEvent, weight: number): void {
    if (!this.#circuit.isClosed && !this.#circuit.admits(monotonic())) {
      this.drop('circuit_open');
      return;
    }
    try {
      const returned = this.#handle(event, weight === 1 ? WHOLE : { weight });
      if (isPromise(returned)) this.#watch(event, returned);
    } catch (error) {
      this.drop('failed');
      this.#circuit.failed(monotonic());
      this.#onFailure(this, event, error);
      return;
    }
    this.delivered();
    if (!this.#circuit.isPristine) this.#circuit.succeeded(monotonic());
  }

  /** Nobody waits for what it returned, and a rejection nobody looks at would end the process. */
  #watch(event: SnakepitEvent, returned: PromiseLike<unknown>): void {
    Promise.resolve(returned).catch((error) => {
      this.#circuit.failed(monotonic());
      this.#onFailure(this, event, error);
    });
  }
}
