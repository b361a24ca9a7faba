import type { EventName, EventTrait, Measurements, MetadataInput, SnakepitEvent } from '../catalog.ts';
import { catalog } from '../catalog.ts';
import { now } from '../clock.ts';
import { currentContext } from '../context.ts';
import type { Gate } from './gate.ts';
import type { RateLimiter } from './limiter.ts';
import type { Outlet } from './outlet.ts';
import { OWN_PREFIX } from './reporter.ts';
import { KEEP_ALL, type Sampling } from './sampling.ts';

/** Where the events of one name go. */
export interface Route {
  /** They see every event. */
  readonly exact: readonly Outlet[];
  /** They see what the gate lets through. */
  readonly sampled: readonly Outlet[];
  readonly sampling: Sampling;
  readonly limiter: RateLimiter | undefined;
  /** The gate has to see it though nobody may want it: it tells what becomes of events that are held back. */
  readonly telling: boolean;
}

const NOBODY: readonly Outlet[] = [];

const traitOf = (name: string): EventTrait | undefined =>
  Object.hasOwn(catalog, name) ? catalog[name as EventName].trait : undefined;

/**
 * One event name, with its consumers resolved. Hot paths keep the handle and ask {@link EventHandle.wanted} before they build
 * anything: an event nobody wants costs a branch and an addition.
 */
export class EventHandle<N extends string = string> {
  readonly name: N;
  /** Times this event happened, wanted or not. */
  count = 0;
  /** Whether anyone would get it. Changes when consumers come and go. */
  wanted = false;
  /** @internal What sampling makes of it. */
  readonly trait: EventTrait | undefined;
  /** @internal */
  sampling: Sampling = KEEP_ALL;
  /** @internal */
  limiter: RateLimiter | undefined;
  readonly #gate: Gate;
  readonly #isOwn: boolean;
  #exact = NOBODY;
  #sampled = NOBODY;
  #telling = false;

  constructor(name: N, gate: Gate) {
    this.name = name;
    this.trait = traitOf(name);
    this.#gate = gate;
    this.#isOwn = name.startsWith(OWN_PREFIX);
  }

  /** @internal */
  route({ exact, sampled, sampling, limiter, telling }: Route): void {
    this.#exact = exact;
    this.#sampled = sampled;
    this.sampling = sampling;
    this.limiter = limiter;
    this.#telling = telling;
    this.wanted = telling || exact.length + sampled.length > 0;
  }

  /** Counts the event and hands it to its consumers. `metadata` becomes part of the event: the caller must not reuse it. Never throws. */
  emit(
    measurements: N extends EventName ? Measurements<N> : Record<string, unknown>,
    metadata: N extends EventName ? MetadataInput<N> : Record<string, unknown>,
  ): void {
    this.count++;
    if (!this.wanted) return;
    const stamped = metadata as { timestamp?: number; correlation_id?: string };
    stamped.timestamp ??= now();
    if (stamped.correlation_id === undefined) {
      const inherited = currentContext()?.correlation_id;
      if (inherited !== undefined) stamped.correlation_id = inherited;
    }
    const event = { event_name: this.name, measurements, metadata } as unknown as SnakepitEvent;
    const exact = this.#othersThan(this.#exact, event);
    for (let i = 0; i < exact.length; i++) (exact[i] as Outlet).offer(event, 1);
    const sampled = this.#othersThan(this.#sampled, event);
    if (sampled.length > 0 || this.#telling) this.#gate.pass(event, this, sampled);
  }

  /** Nobody gets what the bus says about himself. */
  #othersThan(outlets: readonly Outlet[], event: SnakepitEvent): readonly Outlet[] {
    if (!this.#isOwn) return outlets;
    return outlets.filter((outlet) => outlet.name !== event.metadata.consumer);
  }
}
