import type { EventName, Measurements, MetadataInput, SnakepitEvent } from '../catalog.ts';
import { monotonic } from '../clock.ts';
import type { CircuitListener } from './circuit.ts';
import { Losses } from './losses.ts';
import type { Outlet } from './outlet.ts';
import type { DropReason } from './tally.ts';

/** Names of what the bus says about itself. A consumer never gets those about itself: it could not stop failing on them. */
export const OWN_PREFIX = 'snakepit.observability.';

const COMPLAINT_MS = 1000;

type Emit = <N extends EventName>(name: N, measurements: Measurements<N>, metadata: MetadataInput<N>) => void;

/** Says on the bus what goes wrong with its consumers, seldom enough that it cannot become a flood of its own. */
export class Reporter {
  readonly #emit: Emit;
  readonly #losses: Losses;
  readonly #lastComplaint = new WeakMap<Outlet, number>();

  constructor(emit: Emit) {
    this.#emit = emit;
    this.#losses = new Losses((loss, count, windowMs) =>
      emit('snakepit.observability.dropped', { count, window_ms: windowMs }, { ...loss }),
    );
  }

  /** A consumer threw, or was late. At most one event a second each; none for a failure on what the bus says of itself. */
  failed(outlet: Outlet, event: SnakepitEvent, error: unknown): void {
    if (event.event_name.startsWith(OWN_PREFIX)) return;
    const at = monotonic();
    if (at - (this.#lastComplaint.get(outlet) ?? Number.NEGATIVE_INFINITY) < COMPLAINT_MS) return;
    this.#lastComplaint.set(outlet, at);
    this.#emit(
      'snakepit.observability.consumer_failed',
      { failures: outlet.counts().dropped.failed },
      { consumer: outlet.name, event: event.event_name, message: messageOf(error) },
    );
  }

  lost(outlet: Outlet, event: SnakepitEvent, reason: DropReason): void {
    if (!event.event_name.startsWith(OWN_PREFIX)) this.#losses.add({ reason, consumer: outlet.name });
  }

  limited(event: SnakepitEvent, key: string): void {
    if (event.event_name.startsWith(OWN_PREFIX)) return;
    this.#losses.add({ reason: 'rate_limited', event: event.event_name, key: key === '' ? undefined : key });
  }

  circuitOf(consumer: string): CircuitListener {
    return {
      opened: (failures, openMs) =>
        this.#emit('snakepit.observability.circuit_opened', { failures, open_ms: openMs }, { consumer }),
      closed: (openForMs) =>
        this.#emit('snakepit.observability.circuit_closed', { open_for_ms: openForMs }, { consumer }),
    };
  }

  /** What is lost from now on is told by the counters alone. */
  stop(): void {
    this.#losses.stop();
  }

  /** Tells the losses that are summed up and not told yet. */
  flush(): void {
    this.#losses.flush();
  }
}

const messageOf = (error: unknown): string => {
  try {
    return error instanceof Error ? error.message : String(error);
  } catch {
    // A thrown object may refuse to become a string.
    return 'a value that cannot be shown';
  }
};
