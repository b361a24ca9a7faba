import type { ResolvedOptions } from '../../config/index.ts';
import { SnakepitError } from '../../errors/index.ts';

/** The option `logs`, once it is not `false`. */
export type LogOptions = Exclude<ResolvedOptions['logs'], false>;
/** Least level written; `silent` writes nothing. */
export type LevelOption = LogOptions['level'];
/** Level of a line. */
export type Level = Exclude<LevelOption, 'silent'>;

const ranks: Readonly<Record<LevelOption, number>> = {
  trace: 10,
  debug: 20,
  info: 30,
  warn: 40,
  error: 50,
  fatal: 60,
  silent: Number.POSITIVE_INFINITY,
};

/** How important a level is; the larger, the more. */
export const rankOf = (level: LevelOption): number => ranks[level];

/**
 * @param key - of the option, for the message
 * @throws SnakepitError `invalid_configuration` when it is no level
 */
export const checkLevel = (level: unknown, key = 'logs.level'): LevelOption => {
  if (typeof level === 'string' && Object.hasOwn(ranks, level)) return level as LevelOption;
  const allowed = Object.keys(ranks).join(', ');
  throw new SnakepitError(
    'invalid_configuration',
    `${key}: got ${JSON.stringify(String(level)).slice(0, 80)}; use one of ${allowed}.`,
  );
};

/** What a line is about, as far as its level depends on it. */
export interface About {
  readonly [field: string]: unknown;
  readonly pool_name?: unknown;
  readonly command?: unknown;
}

/** The part of the option `logs` that says which lines are written. */
export type LevelSettings = Pick<LogOptions, 'level'> & Partial<Pick<LogOptions, 'levels'>>;

/**
 * Which lines are written. The most specific rule counts: the command, then the pool, the component (the longest name that matches, part
 * by part), then the level of all.
 */
export class LevelRules {
  /** The least level that any line may need; below it nothing has to be looked at. */
  floor = Number.POSITIVE_INFINITY;
  #base: LevelOption;
  #components: ReadonlyMap<string, LevelOption> = new Map();
  #pools: ReadonlyMap<string, LevelOption> = new Map();
  #commands: ReadonlyMap<string, LevelOption> = new Map();
  /** Whether it is one level for all. */
  #isPlain = true;

  constructor(options: LevelSettings) {
    this.#base = options.level;
    this.configure(options);
  }

  /** Puts other rules in force. */
  configure({ level, levels }: LevelSettings): void {
    this.#base = level;
    this.#components = new Map(Object.entries(levels?.components ?? {}));
    this.#pools = new Map(Object.entries(levels?.pools ?? {}));
    this.#commands = new Map(Object.entries(levels?.commands ?? {}));
    this.#settle();
  }

  /**
   * Whether a line of this level is written.
   *
   * @param component - `snakepit.worker`, `python.app`, or the logger of a line of yours
   */
  writes(level: Level, component: string, about: About): boolean {
    return ranks[level] >= (this.#isPlain ? this.floor : ranks[this.#levelOf(component, about)]);
  }

  /** Whether any line of this level may be written. */
  mayWrite(level: Level): boolean {
    return ranks[level] >= this.floor;
  }

  #settle(): void {
    const specific = [this.#components, this.#pools, this.#commands].flatMap((of) => [...of.values()]);
    this.#isPlain = specific.length === 0;
    this.floor = Math.min(...[this.#base, ...specific].map(rankOf));
  }

  #levelOf(component: string, { pool_name, command }: About): LevelOption {
    return (
      this.#commands.get(command as string) ??
      this.#pools.get(pool_name as string) ??
      this.#ofComponent(component) ??
      this.#base
    );
  }

  #ofComponent(name: string): LevelOption | undefined {
    if (this.#components.size === 0) return undefined;
    for (let part = name; ; part = part.slice(0, part.lastIndexOf('.'))) {
      const level = this.#components.get(part);
      if (level !== undefined || !part.includes('.')) return level;
    }
  }
}
