import type { SnakepitEvent } from '../catalog.ts';

/** Something that wants events: a function, or an object with a name. */
export type Consumer =
  | ((event: SnakepitEvent) => void)
  | { readonly name: string; handle(event: SnakepitEvent): void };

/** What happened to the events offered to one consumer; `offered = delivered + dropped` holds at every moment outside `handle`. */
export interface ConsumerCounts {
  readonly name: string;
  offered: number;
  delivered: number;
  /** It threw. */
  failed: number;
}

/**
 * Hands one consumer its events inside try/catch: an observer must never change what a request does.
 */
export class InlineConsumer {
  readonly counts: ConsumerCounts;
  readonly #handle: (event: SnakepitEvent) => void;
  readonly #onFailure: (consumer: InlineConsumer, event: SnakepitEvent, error: unknown) => void;

  constructor(
    name: string,
    handle: (event: SnakepitEvent) => void,
    onFailure: (consumer: InlineConsumer, event: SnakepitEvent, error: unknown) => void,
  ) {
    this.counts = { name, offered: 0, delivered: 0, failed: 0 };
    this.#handle = handle;
    this.#onFailure = onFailure;
  }

  deliver(event: SnakepitEvent): void {
    this.counts.offered++;
    try {
      this.#handle(event);
      this.counts.delivered++;
    } catch (error) {
      this.counts.failed++;
      this.#onFailure(this, event, error);
    }
  }
}
