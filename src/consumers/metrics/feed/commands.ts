import type { Snapshotter } from '../../../events/index.ts';
import { UNKNOWN } from '../catalog.ts';

/** Names taken on trust, per pool, while its app has not said which commands it defines. */
const MAX_UNPROVEN = 50;

/**
 * Decides whether the command of a request may become a label value. Names come from callers, over HTTP too: if each
 * became a series, one caller inventing names would push the
 * real commands over the series limit.
 */
export class CommandLabels {
  readonly #snapshot: Snapshotter;
  readonly #defined = new Map<string, ReadonlySet<string>>();
  readonly #unproven = new Map<string, Set<string>>();

  constructor(snapshot: Snapshotter) {
    this.#snapshot = snapshot;
  }

  /** A worker started: the app may define other commands now. */
  forget(pool: string): void {
    this.#defined.delete(pool);
  }

  /**
   * The label of a command that reached no worker.
   *
   * @returns the name if the app defines it, `(unknown)` if not. While the app has defined nothing yet, the first few
   *   names pass as they are: they most likely are commands of an app
   * that takes long to load or fails to.
   */
  label(pool: string, command: string): string {
    const defined = this.#definedIn(pool);
    if (defined.size > 0) return defined.has(command) ? command : UNKNOWN;
    const unproven = this.#unproven.get(pool) ?? new Set();
    this.#unproven.set(pool, unproven);
    if (unproven.size < MAX_UNPROVEN) unproven.add(command);
    return unproven.has(command) ? command : UNKNOWN;
  }

  #definedIn(pool: string): ReadonlySet<string> {
    let defined = this.#defined.get(pool);
    if (defined === undefined) {
      defined = this.#read(pool);
      this.#defined.set(pool, defined);
    }
    return defined;
  }

  #read(pool: string): ReadonlySet<string> {
    try {
      const { pools } = this.#snapshot();
      const found = Object.hasOwn(pools, pool) ? pools[pool] : undefined;
      return new Set(found?.commands.map(({ name }) => name));
    } catch {
      // Levels that cannot be read are counted at the scrape; here the request still counts.
      return new Set();
    }
  }
}
