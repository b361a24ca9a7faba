import type { CircuitState } from './tally.ts';

/** When a consumer that keeps failing is left alone. */
export interface CircuitOptions {
  /** Failures in a row that open it. Default: 5. */
  readonly failures: number;
  /** How long it stays open at first; doubles with each failed trial. Milliseconds, default 1000. */
  readonly openMs: number;
  /** The longest it stays open. Milliseconds, default 60000. */
  readonly maxOpenMs: number;
}

type Circuit =
  | { readonly kind: 'closed'; failures: number }
  | { readonly kind: 'open'; readonly until: number; readonly openMs: number; readonly since: number }
  | { readonly kind: 'half_open'; readonly openMs: number; readonly since: number };

/** What a circuit says of itself. */
export interface CircuitListener {
  opened(failures: number, openMs: number): void;
  closed(openForMs: number): void;
}

/** Up to this share of the open time is taken off at random, so that consumers that failed together do not all come back at once. */
const JITTER = 0.25;

/**
 * Breaker of one consumer: after some failures in a row it takes nothing for a while, then lets one delivery through to try. Times are given by the caller: a
 * closed circuit, the rule, reads no clock.
 */
export class ConsumerCircuit {
  readonly #options: CircuitOptions;
  readonly #listener: CircuitListener;
  readonly #random: () => number;
  #circuit: Circuit = { kind: 'closed', failures: 0 };

  constructor(options: CircuitOptions, listener: CircuitListener, random: () => number = Math.random) {
    this.#options = options;
    this.#listener = listener;
    this.#random = random;
  }

  get state(): CircuitState {
    return this.#circuit.kind;
  }

  /** Whether every event passes; asked on the hot path. */
  get isClosed(): boolean {
    return this.#circuit.kind === 'closed';
  }

  /** Whether it is closed and nothing has failed of late: a success need not be told then. */
  get isPristine(): boolean {
    return this.#circuit.kind === 'closed' && this.#circuit.failures === 0;
  }

  /** Whether a delivery may be tried now. An open circuit whose time is over becomes half open by it. */
  admits(at: number): boolean {
    const circuit = this.#circuit;
    if (circuit.kind !== 'open') return true;
    if (at < circuit.until) return false;
    this.#circuit = { kind: 'half_open', openMs: circuit.openMs, since: circuit.since };
    return true;
  }

  /** Milliseconds until a delivery may be tried; 0 unless it is open. */
  remaining(at: number): number {
    return this.#circuit.kind === 'open' ? Math.max(0, this.#circuit.until - at) : 0;
  }

  succeeded(at: number): void {
    const circuit = this.#circuit;
    if (circuit.kind === 'closed') {
      circuit.failures = 0;
      return;
    }
    this.#circuit = { kind: 'closed', failures: 0 };
    this.#listener.closed(at - circuit.since);
  }

  failed(at: number): void {
    const circuit = this.#circuit;
    if (circuit.kind === 'closed') {
      if (++circuit.failures >= this.#options.failures)
        this.#open(at, at, circuit.failures, this.#options.openMs);
    } else if (circuit.kind === 'half_open') {
      const openMs = Math.min(2 * circuit.openMs, this.#options.maxOpenMs);
      this.#circuit = this.#opened(at, circuit.since, openMs);
    }
  }

  #open(at: number, since: number, failures: number, openMs: number): void {
    this.#circuit = this.#opened(at, since, openMs);
    this.#listener.opened(failures, openMs);
  }

  #opened(at: number, since: number, openMs: number): Circuit {
    return { kind: 'open', until: at + openMs * (1 - JITTER * this.#random()), openMs, since };
  }
}
