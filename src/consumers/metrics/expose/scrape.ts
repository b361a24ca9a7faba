import { setImmediate } from 'node:timers/promises';
import type { FamilyCopy } from '../family.ts';
import { dialects, type Format } from './dialect.ts';
import { render } from './render.ts';

/** An exposition, ready to be sent. */
export class Exposition {
  /** Value of the `Content-Type` header. */
  readonly contentType: string;
  /** The body in parts, in order. Sending them one by one spares the event loop the copy of the whole. */
  readonly slices: readonly string[];

  constructor(contentType: string, slices: readonly string[]) {
    this.contentType = contentType;
    this.slices = slices;
  }

  /** The body in one. */
  get body(): string {
    return this.slices.join('');
  }
}

/** Where a scrape gets its families from. */
export interface Collection {
  /** Reads what cannot be read at once. */
  prepare(): Promise<readonly FamilyCopy[]>;
  /** Copies all values in one synchronous tick, so that what adds up does so within one scrape. */
  copy(format: Format, prepared: readonly FamilyCopy[]): readonly FamilyCopy[];
}

/** Renders expositions. Scrapes that come while one of the same format is under way share its answer. */
export class Scraper {
  readonly #collection: Collection;
  readonly #underWay = new Map<Format, Promise<Exposition>>();

  constructor(collection: Collection) {
    this.#collection = collection;
  }

  scrape(format: Format): Promise<Exposition> {
    const shared = this.#underWay.get(format);
    if (shared !== undefined) return shared;
    const own = this.#run(format).finally(() => this.#underWay.delete(format));
    this.#underWay.set(format, own);
    return own;
  }

  async #run(format: Format): Promise<Exposition> {
    const prepared = await this.#collection.prepare();
    // Reading and copying take a millisecond or two each; others may run in between.
    await setImmediate();
    const families = this.#collection.copy(format, prepared);
    const dialect = dialects[format];
    const rendering = render(families, dialect);
    const slices: string[] = [];
    for (;;) {
      await setImmediate();
      const { value, done } = rendering.next();
      if (done) return new Exposition(dialect.contentType, slices);
      slices.push(value);
    }
  }
}
