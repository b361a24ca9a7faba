import type { Forced } from './forced.ts';
import type { About, Level, LevelRules } from './levels.ts';
import type { Writer } from './writer.ts';

/** Decides which lines are written: their level, where it stands, and whose request they are of. */
export class LineGate {
  readonly #rules: LevelRules;
  readonly #forced: Forced;
  readonly #writer: Writer;

  constructor(rules: LevelRules, forced: Forced, writer: Writer) {
    this.#rules = rules;
    this.#forced = forced;
    this.#writer = writer;
  }

  /** Whether a line of this level could be written at all: what is cheap to ask before anything is looked at. */
  mayWrite(level: Level): boolean {
    return this.#writer.takes(level) && (this.#rules.mayWrite(level) || !this.#forced.isEmpty);
  }

  /** Whether a line is written for its level. */
  byLevel(level: Level, component: string, about: About): boolean {
    return this.#writer.takes(level) && this.#rules.writes(level, component, about);
  }

  /** Whether it is of a request that is logged fully. */
  byForce(level: Level, correlationId: unknown): boolean {
    return this.#forced.has(correlationId) && this.#writer.takes(level);
  }
}
