import { compilePattern, type SnakepitEvent } from '../../events/index.ts';
import { type Depth, kindOf, levelOf, levels, namesAt } from './kinds.ts';
import type { LiveFilter } from './types.ts';

const notable: ReadonlySet<string> = new Set(namesAt(0));
const frequent = namesAt(2);

/** A filter ready for use. Which names pass is found out once for each. */
export class Matcher {
  /** Same for filters that let the same through. */
  readonly key: string;
  /** Events from beyond it never pass. */
  readonly depth: Depth;
  readonly #tests: readonly ((name: string) => boolean)[];
  readonly #names = new Map<string, boolean>();
  readonly #filter: LiveFilter;
  readonly #least: number;
  readonly #byName: boolean;

  /** @throws TypeError on a malformed pattern */
  constructor(filter: LiveFilter) {
    const { patterns = [], pool, command, correlationId, requestId, level = 'debug' } = filter;
    this.#filter = filter;
    this.#least = levels.indexOf(level);
    this.#tests = patterns.map((pattern) => compilePattern(pattern));
    this.#byName = (pool ?? command ?? correlationId ?? requestId) === undefined;
    this.depth = this.#depthFor(patterns);
    const those = [...new Set(patterns)].sort();
    this.key = JSON.stringify([those, pool, command, correlationId, requestId, level]);
  }

  matches(event: SnakepitEvent): boolean {
    const { event_name } = event;
    let named = this.#names.get(event_name);
    if (named === undefined) {
      named = this.#passes(event_name);
      this.#names.set(event_name, named);
    }
    if (!named || (!this.#byName && !this.#isAbout(event))) return false;
    return this.#least === 0 || levels.indexOf(levelOf(event)) >= this.#least;
  }

  #depthFor(patterns: readonly string[]): Depth {
    if (patterns.length > 0 && patterns.every((pattern) => notable.has(pattern))) return 0;
    return frequent.some((name) => this.#passes(name)) ? 2 : 1;
  }

  /** Whether an event of a name may pass. */
  #passes(name: string): boolean {
    const { depth, level } = kindOf(name);
    // Those in between say of themselves how much they matter.
    if (depth !== 1 && levels.indexOf(level) < this.#least) return false;
    return this.#tests.length === 0 || this.#tests.some((test) => test(name));
  }

  #isAbout({ metadata }: SnakepitEvent): boolean {
    const { pool, command, correlationId, requestId } = this.#filter;
    return (
      (pool === undefined || metadata.pool_name === pool) &&
      (command === undefined || metadata.command === command) &&
      (correlationId === undefined || metadata.correlation_id === correlationId) &&
      (requestId === undefined || metadata.request_id === requestId)
    );
  }
}
