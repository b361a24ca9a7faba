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

/** Whether a line of `level` is written where `least` is the least level written. */
export const writes = (least: LevelOption, level: Level): boolean => ranks[level] >= ranks[least];

/**
 * @throws SnakepitError `invalid_configuration` when it is no level
 */
export const checkLevel = (level: unknown): LevelOption => {
  if (typeof level === 'string' && Object.hasOwn(ranks, level)) return level as LevelOption;
  const allowed = Object.keys(ranks).join(', ');
  throw new SnakepitError(
    'invalid_configuration',
    `logs.level: got ${JSON.stringify(String(level)).slice(0, 80)}; use one of ${allowed}.`,
  );
};
