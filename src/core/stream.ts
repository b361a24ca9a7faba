import { after, type Timer } from '../events/index.ts';
import type { CallStream, Timings } from './port.ts';
import type { Request, Waiter } from './request.ts';

interface Reader<T> {
  resolve(result: IteratorResult<T>): void;
  reject(error: Error): void;
}

/** What a stream asks of the pool. */
export interface StreamControl {
  credit(request: Request, count: number): void;
  /** The reader left. */
  leave(request: Request): void;
  /** No chunk came for too long. */
  silent(request: Request, afterMs: number): void;
}

/**
 * The reader's end of a stream. Python may send as many chunks ahead as it was given credit for; each chunk that is taken is worth a new one,
 * handed out in halves of the buffer so that not every chunk costs a message back.
 */
export class PitStream<T> implements CallStream<T>, Waiter {
  readonly #chunks: T[] = [];
  readonly #readers: Reader<T>[] = [];
  readonly #buffer: number;
  readonly #idleMs: number;
  readonly #control: StreamControl;
  #request!: Request;
  #owed = 0;
  #idle: Timer | undefined;
  #end: { error: Error | undefined } | undefined;

  constructor(buffer: number, idleMs: number, control: StreamControl) {
    this.#buffer = buffer;
    this.#idleMs = idleMs;
    this.#control = control;
  }

  get requestId(): string {
    return this.#request.requestId;
  }

  get correlationId(): string {
    return this.#request.correlationId;
  }

  get timings(): Timings | undefined {
    return this.#request.phase === 'settled' ? this.#request.timings : undefined;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<T>> {
    if (this.#chunks.length > 0) {
      const value = this.#chunks.shift() as T;
      this.#taken();
      return Promise.resolve({ value, done: false });
    }
    if (this.#end !== undefined) {
      const { error } = this.#end;
      // An error is told once; after it the stream is simply over, as of any iterator.
      this.#end = { error: undefined };
      return error === undefined ? Promise.resolve({ value: undefined, done: true }) : Promise.reject(error);
    }
    return new Promise((resolve, reject) => this.#readers.push({ resolve, reject }));
  }

  return(): Promise<IteratorResult<T>> {
    this.#chunks.length = 0;
    if (this.#end === undefined) this.#control.leave(this.#request);
    this.#end = { error: undefined };
    return Promise.resolve({ value: undefined, done: true });
  }

  // What the pool reports

  bind(request: Request): void {
    this.#request = request;
  }

  begun(): void {
    // Silence counts from here, not from the queue.
    this.#control.credit(this.#request, this.#buffer);
    // It may begin again, on another worker.
    this.#idle?.stop();
    this.#idle = after(this.#idleMs, () => this.#onSilence());
  }

  chunk(value: unknown): void {
    this.#idle?.refresh();
    const reader = this.#readers.shift();
    if (reader === undefined) {
      this.#chunks.push(value as T);
      return;
    }
    this.#taken();
    reader.resolve({ value: value as T, done: false });
  }

  resolve(): void {
    this.#over(undefined);
  }

  reject(error: Error): void {
    this.#over(error);
  }

  #taken(): void {
    if (++this.#owed * 2 < this.#buffer || this.#end !== undefined) return;
    this.#control.credit(this.#request, this.#owed);
    this.#owed = 0;
    // Without credit Python had to be silent, however long the reader took.
    this.#idle?.refresh();
  }

  #onSilence(): void {
    // A reader that does not come is no silence of Python's, nor is a worker that died and has no successor yet.
    if (this.#chunks.length > 0 || this.#request.phase !== 'running') this.#idle?.refresh();
    else this.#control.silent(this.#request, this.#idleMs);
  }

  #over(error: Error | undefined): void {
    this.#idle?.stop();
    if (this.#end !== undefined) return;
    const readers = this.#readers.splice(0);
    // With readers waiting there is no chunk left, so the first of them is the one to be told.
    if (error !== undefined && readers.length > 0) (readers.shift() as Reader<T>).reject(error);
    else if (error !== undefined) {
      this.#end = { error };
      return;
    }
    this.#end = { error: undefined };
    for (const reader of readers) reader.resolve({ value: undefined, done: true });
  }
}
