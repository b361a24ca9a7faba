import type { SnakepitEvent } from '../catalog.ts';
import { after, monotonic, type Timer } from '../clock.ts';
import type { Outlet } from './outlet.ts';

/** Bounds of what is held back. */
export interface HoldOptions {
  /** Events held at most, of all requests together; 0 holds none. Default: 4096. */
  readonly maxEvents: number;
  /** How long at most. A request that runs longer has lost its first events by the time it fails. Milliseconds, default 300000. */
  readonly maxAgeMs: number;
}

interface Held {
  readonly since: number;
  /** The request has failed or is slow: what follows of it is delivered. */
  kept: boolean;
  readonly events: { readonly event: SnakepitEvent; readonly outlets: readonly Outlet[] }[];
}

/**
 * The events of requests that sampling has let go, until it is known how the requests end: those of one that fails or is slow are delivered after all. The oldest requests
 * give way when it is too much.
 */
export class Hold {
  #options: HoldOptions;
  /** By request id, in the order of their first event. */
  readonly #requests = new Map<string, Held>();
  #events = 0;
  #timer: Timer | undefined;

  constructor(options: HoldOptions) {
    this.#options = options;
  }

  /** Requests known here. Zero is the rule, and asks for nothing. */
  get size(): number {
    return this.#requests.size;
  }

  configure(options: HoldOptions): void {
    this.#options = options;
    this.#makeRoom(0);
  }

  isKept(requestId: string): boolean {
    return this.#requests.get(requestId)?.kept === true;
  }

  /** Holds an event for those who would have got it. */
  add(requestId: string, event: SnakepitEvent, outlets: readonly Outlet[]): void {
    if (this.#options.maxEvents === 0) {
      for (const outlet of outlets) outlet.skip();
      return;
    }
    this.#makeRoom(1);
    let held = this.#requests.get(requestId);
    if (held === undefined) {
      held = { since: monotonic(), kept: false, events: [] };
      this.#requests.set(requestId, held);
      this.#timer ??= after(this.#options.maxAgeMs, () => this.#expire());
    }
    held.events.push({ event, outlets });
    this.#events++;
    for (const outlet of outlets) outlet.hold();
  }

  /** The request turned out to be worth keeping: what is held of it is delivered, and so is what follows. The events weigh nothing: they are beside the sample. */
  keep(requestId: string): void {
    const held = this.#requests.get(requestId);
    if (held === undefined) {
      this.#requests.set(requestId, { since: monotonic(), kept: true, events: [] });
      this.#timer ??= after(this.#options.maxAgeMs, () => this.#expire());
      return;
    }
    held.kept = true;
    const events = held.events.splice(0);
    this.#events -= events.length;
    for (const { event, outlets } of events) for (const outlet of outlets) outlet.release(event, 0);
  }

  /** The request is over: what is still held of it was not worth keeping. */
  end(requestId: string): void {
    const held = this.#requests.get(requestId);
    if (held !== undefined) this.#letGo(requestId, held);
  }

  /** A consumer is gone. */
  forget(outlet: Outlet): void {
    for (const held of this.#requests.values()) {
      for (const [i, { event, outlets }] of held.events.entries()) {
        if (!outlets.includes(outlet)) continue;
        held.events[i] = { event, outlets: outlets.filter((other) => other !== outlet) };
        outlet.drop('removed');
      }
    }
  }

  clear(): void {
    this.#timer?.stop();
    this.#timer = undefined;
    for (const [requestId, held] of this.#requests) this.#letGo(requestId, held);
  }

  #letGo(requestId: string, held: Held): void {
    this.#requests.delete(requestId);
    this.#events -= held.events.length;
    for (const { outlets } of held.events) for (const outlet of outlets) outlet.drop('sampled');
  }

  /** A request that is kept holds no event, only its place; there may be as many of those as of events. */
  #makeRoom(coming: number): void {
    const { maxEvents } = this.#options;
    for (const [requestId, held] of this.#requests) {
      if (this.#events + coming <= maxEvents && this.#requests.size <= maxEvents) return;
      this.#letGo(requestId, held);
    }
  }

  #expire(): void {
    this.#timer = undefined;
    const { maxAgeMs } = this.#options;
    const at = monotonic();
    for (const [requestId, held] of this.#requests) {
      const left = held.since + maxAgeMs - at;
      if (left > 0) {
        this.#timer = after(left, () => this.#expire());
        return;
      }
      this.#letGo(requestId, held);
    }
  }
}
