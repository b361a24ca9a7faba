import type { Reloaded } from '../serve-lifecycle.ts';
import { plainBlock, plainLine } from '../show/plain.ts';
import { counted, duration } from '../show/units.ts';

/** More names would not be read. */
const MAX_NAMES = 3;

/** One line on a reload; where workers did not start, why, once for each reason. */
export const reloadReport = (
  changed: readonly string[],
  outcomes: readonly Reloaded[],
  tookMs: number,
): string => {
  const failed = outcomes.filter(({ outcome }) => outcome === 'start_failed');
  const replaced = outcomes.length - failed.length;
  const head = `${namesOf(changed)} changed: `;
  if (failed.length === 0) return `${head}${counted(replaced, 'worker')} reloaded in ${duration(tookMs)}.\n`;
  const reasons = [...new Set(failed.map(({ error }) => plainBlock(error ?? 'no reason is known').trim()))];
  const what = replaced === 0 ? 'not reloaded' : `only ${replaced} of ${outcomes.length} workers reloaded`;
  return `${head}${what} (tried for ${duration(tookMs)}); the old workers go on.\n${reasons.join('\n\n')}\n`;
};

/** The reload itself failed. */
export const reloadFailed = (changed: readonly string[], error: unknown, tookMs: number): string => {
  const why = error instanceof Error ? error.message : error;
  return `${namesOf(changed)} changed: not reloaded (tried for ${duration(tookMs)}): ${plainLine(why)}\n`;
};

const namesOf = (paths: readonly string[]): string => {
  const names = paths.slice(0, MAX_NAMES).map(plainLine).join(', ');
  return paths.length > MAX_NAMES ? `${names} and ${paths.length - MAX_NAMES} more` : names;
};
