import type { EventTrait, SnakepitEvent } from '../catalog.ts';
import { monotonic } from '../clock.ts';
import { Hold, type HoldOptions } from './hold.ts';
import { type RateLimiter, TokenBucket } from './limiter.ts';
import type { Outlet } from './outlet.ts';
import type { Sampling } from './sampling.ts';

/** How many events may bypass sampling. */
export interface KeepOptions {
  /** Failures, slow requests and lifecycle events a second in the long run. Default: 100. */
  readonly perSecond: number;
  /** At once after a pause. Default: 1000. */
  readonly burst: number;
}

/** What the gate has to know about the name of an event. */
export interface GateRule {
  readonly trait: EventTrait | undefined;
  readonly sampling: Sampling;
  readonly limiter: RateLimiter | undefined;
}

/** What the gate does not decide alone. */
export interface GateInit {
  readonly keep: KeepOptions;
  readonly hold: HoldOptions;
  /** An event was let go by a rate limit. */
  readonly onLimited: (event: SnakepitEvent, key: string) => void;
}

/** Whether nobody has to look into how a request ended. A caller that gives up is no failure. */
const isUnremarkable = (status: unknown): boolean => status === 'success' || status === 'cancelled';

/**
 * What stands before the consumers that sample: decides once for all of them whether an event passes, and for how many it stands.
 *
 * Lifecycle events, failures and slow requests pass whatever the rate, as long as their budget lasts; beyond it they are sampled like any other, so that a storm of failures does not drown its own observers. A failure takes one
 * token for its whole request.
 */
export class Gate {
  readonly #hold: Hold;
  readonly #onLimited: GateInit['onLimited'];
  #budget: TokenBucket;

  constructor({ keep, hold, onLimited }: GateInit) {
    this.#budget = new TokenBucket(keep.perSecond, keep.burst, monotonic());
    this.#hold = new Hold(hold);
    this.#onLimited = onLimited;
  }

  configure({ keep, hold }: Pick<GateInit, 'keep' | 'hold'>): void {
    this.#budget = new TokenBucket(keep.perSecond, keep.burst, monotonic());
    this.#hold.configure(hold);
  }

  forget(outlet: Outlet): void {
    this.#hold.forget(outlet);
  }

  close(): void {
    this.#hold.clear();
  }

  /** Delivers the event, holds it back, or lets it go. */
  pass(event: SnakepitEvent, rule: GateRule, outlets: readonly Outlet[]): void {
    if (rule.sampling.all && this.#hold.size === 0) {
      this.#limit(event, 1, rule, outlets);
      return;
    }
    const requestId = event.metadata.request_id as string | undefined;
    const isLast = rule.trait === 'end';
    const weight = this.#weigh(event, rule, requestId, isLast);
    if (weight !== undefined) this.#limit(event, weight, rule, outlets);
    else if (requestId !== undefined && !isLast) this.#hold.add(requestId, event, outlets);
    else for (let i = 0; i < outlets.length; i++) (outlets[i] as Outlet).skip();
    if (isLast && requestId !== undefined && this.#hold.size > 0) this.#hold.end(requestId);
  }

  /** For how many events it stands, or undefined when it is sampled out. */
  #weigh(
    event: SnakepitEvent,
    { trait, sampling }: GateRule,
    requestId: string | undefined,
    isLast: boolean,
  ): number | undefined {
    if (requestId !== undefined && this.#hold.size > 0 && this.#hold.isKept(requestId)) return 1;
    const isSpecial = isLast ? !isUnremarkable(event.metadata.status) : trait !== undefined;
    // Where nothing is sampled a lifecycle event needs no budget; a failure does, for what is held of its request.
    const needsBudget = isSpecial && !(sampling.all && trait === 'lifecycle');
    if (needsBudget && this.#budget.take(monotonic())) {
      if (trait !== 'lifecycle' && requestId !== undefined) this.#hold.keep(requestId);
      return 1;
    }
    if (sampling.all) return 1;
    return sampling.keeps(event.metadata.correlation_id) ? sampling.weight : undefined;
  }

  #limit(event: SnakepitEvent, weight: number, { limiter }: GateRule, outlets: readonly Outlet[]): void {
    if (outlets.length === 0) return;
    const key = limiter?.refuses(event, monotonic());
    if (key === undefined)
      for (let i = 0; i < outlets.length; i++) (outlets[i] as Outlet).offer(event, weight);
    else {
      for (const outlet of outlets) outlet.refuse('rate_limited');
      this.#onLimited(event, key);
    }
  }
}
