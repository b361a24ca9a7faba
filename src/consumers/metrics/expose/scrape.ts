import { setImmediate } from 'node:timers/promises';
import type { FamilyCopy } from '../family.ts';
import { contentTypes, dialects, type Format } from './dialect.ts';
import { renderProtobuf } from './protobuf/render.ts';
import { render } from './render.ts';

/** An exposition, ready to be sent. */
export class Exposition {
  /** Value of the `Content-Type` header. */
  readonly contentType: string;
  /** The body in parts, in order. Sending them one by one spares the event loop the copy of the whole. */
  readonly slices: readonly Uint8Array[];
  readonly #binary: boolean;

  constructor(format: Format, slices: readonly Uint8Array[]) {
    this.contentType = contentTypes[format];
    this.slices = slices;
    this.#binary = format === 'protobuf';
  }

  /** Length of the body. Bytes. */
  get byteLength(): number {
    return this.slices.reduce((sum, slice) => sum + slice.byteLength, 0);
  }

  /** The body in one: text, or bytes where the format is protobuf. */
  get body(): string | Uint8Array {
    return this.#binary ? Buffer.concat(this.slices) : this.text;
  }

  /** The body of a text format in one. */
  get text(): string {
    return Buffer.concat(this.slices).toString();
  }
}

/** Where a scrape gets its families from. */
export interface Collection {
  /** Reads what cannot be read at once. */
  prepare(): Promise<readonly FamilyCopy[]>;
  /** Copies all values in one synchronous tick, so that what adds up does so within one scrape. */
  copy(format: Format, prepared: readonly FamilyCopy[]): readonly FamilyCopy[];
}

/** One rendering and those who wait for it. */
class Rendering {
  readonly done: Promise<Exposition>;
  askers = 0;
  /** Nobody waits any more. */
  abandoned = false;

  constructor(run: (rendering: Rendering) => Promise<Exposition>) {
    this.done = Promise.resolve().then(() => run(this));
  }

  /** @throws DOMException when nobody waits any more */
  check(): void {
    if (this.abandoned) throw new DOMException('Nobody waits for this exposition any more.', 'AbortError');
  }
}

/** Renders expositions. Scrapes that come while one of the same format is under way share its answer. */
export class Scraper {
  readonly #collection: Collection;
  readonly #underWay = new Map<Format, Rendering>();

  constructor(collection: Collection) {
    this.#collection = collection;
  }

  /**
   * @param signal - aborted by one who no longer wants the answer; once nobody does, rendering stops
   * @throws the signal's reason when it is aborted
   */
  scrape(format: Format, signal?: AbortSignal): Promise<Exposition> {
    const rendering = this.#underWay.get(format) ?? this.#begin(format);
    rendering.askers++;
    return signal === undefined ? rendering.done : this.#until(format, rendering, signal);
  }

  #begin(format: Format): Rendering {
    const rendering = new Rendering((own) => this.#run(format, own));
    this.#underWay.set(format, rendering);
    const over = () => this.#forget(format, rendering);
    rendering.done.then(over, over);
    return rendering;
  }

  #forget(format: Format, rendering: Rendering): void {
    if (this.#underWay.get(format) === rendering) this.#underWay.delete(format);
  }

  async #until(format: Format, rendering: Rendering, signal: AbortSignal): Promise<Exposition> {
    let leave = () => {};
    const left = new Promise<never>((_, reject) => {
      leave = () => {
        reject(signal.reason);
        rendering.askers--;
        if (rendering.askers > 0) return;
        rendering.abandoned = true;
        this.#forget(format, rendering);
      };
    });
    if (signal.aborted) leave();
    else signal.addEventListener('abort', leave, { once: true });
    try {
      return await Promise.race([rendering.done, left]);
    } finally {
      signal.removeEventListener('abort', leave);
    }
  }

  async #run(format: Format, rendering: Rendering): Promise<Exposition> {
    const prepared = await this.#collection.prepare();
    // Reading and copying take a millisecond or two each; others may run in between.
    await setImmediate();
    rendering.check();
    const families = this.#collection.copy(format, prepared);
    const slices: Uint8Array[] = [];
    const parts = format === 'protobuf' ? renderProtobuf(families) : render(families, dialects[format]);
    for (;;) {
      await setImmediate();
      rendering.check();
      const { value, done } = parts.next();
      if (done) return new Exposition(format, slices);
      if (value !== undefined) slices.push(typeof value === 'string' ? Buffer.from(value) : value);
    }
  }
}
