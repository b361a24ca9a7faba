import { after, monotonic, type Timer } from '../clock.ts';
import type { DropReason } from './tally.ts';

/** What was lost, summed up over a while. */
export interface Loss {
  readonly reason: DropReason;
  /** The consumer that lost it; none where a rate limit let the event go for all of them. */
  readonly consumer?: string | undefined;
  /** The event, where a rate limit let it go. */
  readonly event?: string | undefined;
  /** The value of the limit's key. */
  readonly key?: string | undefined;
}

const SUMMARY_MS = 5000;
/** Different losses summed up apart; beyond that what is new is told by the counters alone. */
const MAX_KINDS = 100;

/** Sums up losses, so that a flood of them is told in one event each. Has no timer while nothing is lost. */
export class Losses {
  readonly #tell: (loss: Loss, count: number, windowMs: number) => void;
  readonly #counts = new Map<string, { readonly loss: Loss; count: number }>();
  #since = 0;
  #timer: Timer | undefined;

  constructor(tell: (loss: Loss, count: number, windowMs: number) => void) {
    this.#tell = tell;
  }

  add(loss: Loss): void {
    const id = `${loss.reason}\n${loss.consumer ?? ''}\n${loss.event ?? ''}\n${loss.key ?? ''}`;
    const known = this.#counts.get(id);
    if (known !== undefined) known.count++;
    else if (this.#counts.size < MAX_KINDS) this.#counts.set(id, { loss, count: 1 });
    if (this.#timer !== undefined) return;
    this.#since = monotonic();
    this.#timer = after(SUMMARY_MS, () => this.flush());
  }

  /** Tells no more. */
  stop(): void {
    this.#timer?.stop();
    this.#counts.clear();
  }

  /** Tells what has come together. */
  flush(): void {
    if (this.#timer === undefined) return;
    this.#timer.stop();
    this.#timer = undefined;
    const counts = [...this.#counts.values()];
    this.#counts.clear();
    const windowMs = monotonic() - this.#since;
    for (const { loss, count } of counts) this.#tell(loss, count, windowMs);
  }
}
