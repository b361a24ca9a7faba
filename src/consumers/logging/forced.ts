import { after, now, type Timer } from '../../events/index.ts';

/** Requests logged fully at the same time; the oldest makes room. */
const MAX_FORCED = 1000;
/** The longest a request can be asked to be logged fully. */
export const MAX_FORCED_MS = 24 * 60 * 60 * 1000;

/** The correlation ids of requests that are logged fully, each until its time is over. */
export class Forced {
  readonly #until = new Map<string, number>();
  readonly #onChange: () => void;
  #timer: Timer | undefined;

  /** @param onChange - called when the first comes and when the last goes */
  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  get isEmpty(): boolean {
    return this.#until.size === 0;
  }

  readonly has = (correlationId: unknown): boolean =>
    this.#until.size > 0 && (this.#until.get(correlationId as string) ?? 0) > now();

  /** @param until - epoch milliseconds */
  add(correlationId: string, until: number): void {
    const wasEmpty = this.isEmpty;
    this.#until.delete(correlationId);
    this.#until.set(correlationId, until);
    const oldest = this.#until.keys().next().value;
    if (this.#until.size > MAX_FORCED && oldest !== undefined) this.#until.delete(oldest);
    this.#wait();
    if (wasEmpty) this.#onChange();
  }

  clear(): void {
    this.#timer?.stop();
    this.#until.clear();
  }

  #wait(): void {
    this.#timer?.stop();
    const next = Math.min(...this.#until.values());
    if (next !== Number.POSITIVE_INFINITY)
      this.#timer = after(Math.max(1, next - now()), () => this.#expire());
  }

  #expire(): void {
    const at = now();
    for (const [id, until] of this.#until) if (until <= at) this.#until.delete(id);
    this.#wait();
    if (this.isEmpty) this.#onChange();
  }
}
