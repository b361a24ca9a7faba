import type { ResolvedPool } from '../config/index.ts';
import type { ErrorCode } from '../errors/index.ts';

type BreakerOptions = NonNullable<ResolvedPool['circuitBreaker']>;

type Circuit =
  | { readonly kind: 'closed' }
  | { readonly kind: 'open'; readonly until: number }
  /** One request is let through to try; the others are refused until it is back. */
  | { readonly kind: 'half_open'; trial: object | undefined };

const CLOSED: Circuit = { kind: 'closed' };

/** Failures that tell of the workers, not of the request. */
const blamed: ReadonlySet<ErrorCode | undefined> = new Set<ErrorCode | undefined>([
  'worker_crashed',
  'worker_stuck',
  'protocol_error',
  'transport_error',
  'timeout',
]);

/**
 * Refuses requests while most of them fail with the workers. Written out here, rather than taken from a library of policies, because requests settle
 * through callbacks and admission must be decided in the same turn.
 */
export class Breaker {
  readonly #options: BreakerOptions;
  #circuit: Circuit = CLOSED;
  #windowFrom = 0;
  #requests = 0;
  #failures = 0;

  constructor(options: BreakerOptions) {
    this.#options = options;
  }

  get state(): Circuit['kind'] {
    return this.#circuit.kind;
  }

  /** Milliseconds until it may be worth trying again, or undefined when this request may pass now. */
  refuses(request: object, now: number): number | undefined {
    if (this.#circuit.kind === 'open' && now >= this.#circuit.until) {
      this.#circuit = { kind: 'half_open', trial: undefined };
    }
    if (this.#circuit.kind === 'open') return this.#circuit.until - now;
    if (this.#circuit.kind === 'closed') return undefined;
    if (this.#circuit.trial !== undefined) return this.#options.openMs;
    this.#circuit.trial = request;
    return undefined;
  }

  /** Takes the outcome of any request, refused ones too; `code`: undefined for a success. One that never began has shown nothing. */
  settled(request: object, code: ErrorCode | undefined, began: boolean, now: number): void {
    const failed = blamed.has(code);
    if (this.#circuit.kind === 'half_open') {
      // What was sent before it opened tells of then.
      if (this.#circuit.trial !== request) return;
      if (failed) this.#open(now);
      else if (began) this.#close(now);
      else this.#circuit.trial = undefined;
      return;
    }
    if (this.#circuit.kind === 'open' || !began) return;
    if (now - this.#windowFrom >= this.#options.windowMs) this.#begin(now);
    this.#requests++;
    if (failed) this.#failures++;
    const { minVolume, failureRatio } = this.#options;
    if (this.#requests >= minVolume && this.#failures >= failureRatio * this.#requests) this.#open(now);
  }

  #open(now: number): void {
    this.#circuit = { kind: 'open', until: now + this.#options.openMs };
  }

  #close(now: number): void {
    this.#circuit = CLOSED;
    this.#begin(now);
  }

  #begin(now: number): void {
    this.#windowFrom = now;
    this.#requests = 0;
    this.#failures = 0;
  }
}
