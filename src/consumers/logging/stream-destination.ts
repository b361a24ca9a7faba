import type { Writable } from 'node:stream';
import type { LossReason, OnTrouble } from './destination.ts';
import type { Sink } from './sink.ts';

/** Characters that may wait in a stream. */
const MAX_WAITING = 8 * 2 ** 20;
const CLOSE_MS = 2000;

/**
 * Writes lines to a stream of the user's. It has a buffer of its own, without a bound: so what waits in it is counted here, and what would exceed 8 MiB is dropped. The
 * stream is not ended, since it is not ours.
 */
export class StreamDestination implements Sink {
  writeErrors = 0;
  readonly dropped: Record<LossReason, number> = { overflow: 0, unwritable: 0, closed: 0 };
  /** Every line that fails is told of by itself. */
  readonly failing = false;
  readonly #stream: Writable;
  readonly #onTrouble: OnTrouble;
  readonly #render: (text: string) => string;
  #waiting = 0;
  #closed = false;
  #onIdle: (() => void) | undefined;
  /** What the stream says, it says about lines of ours too, and nobody else may be listening. */
  readonly #onError = (): void => {};

  constructor(stream: Writable, onTrouble: OnTrouble, render: (text: string) => string) {
    this.#stream = stream;
    this.#onTrouble = onTrouble;
    this.#render = render;
    stream.on('error', this.#onError);
  }

  write(text: string): void {
    if (this.#closed) this.dropped.closed++;
    else if (this.#stream.destroyed || this.#stream.writableEnded)
      this.#lose(new Error('the stream is closed'), text);
    else if (this.#waiting + text.length > MAX_WAITING) this.dropped.overflow++;
    else this.#send(text);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#waiting > 0) {
      await new Promise<void>((resolve) => {
        const deadline = setTimeout(resolve, CLOSE_MS);
        this.#onIdle = () => {
          clearTimeout(deadline);
          resolve();
        };
      });
    }
    this.#stream.off('error', this.#onError);
  }

  #send(text: string): void {
    this.#waiting += text.length;
    try {
      this.#stream.write(this.#render(text), (error) => this.#done(text, error ?? undefined));
    } catch (error) {
      // A stream of the user's is the user's code.
      this.#done(text, error as Error);
    }
  }

  #done(text: string, error: Error | undefined): void {
    this.#waiting -= text.length;
    if (error !== undefined) this.#lose(error, text);
    if (this.#waiting === 0) this.#onIdle?.();
  }

  #lose(error: Error, text: string): void {
    this.writeErrors++;
    this.dropped.unwritable++;
    this.#onTrouble(error, [text]);
  }
}
