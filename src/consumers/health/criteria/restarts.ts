import type { PoolView } from '../pools.ts';
import { plural, seconds } from '../verdict.ts';
import { type Criterion, type Finding, thresholdWords } from './finding.ts';

/** Workers that ended without being asked to, or did not start. */
export const workerRestarts = (pool: PoolView, criterion: Criterion, now: number): Finding => {
  const count = pool.deaths.since(now - criterion.windowMs);
  const span = seconds(criterion.windowMs);
  const died = count === 0 ? `No worker died in ${span}` : `${plural(count, 'worker')} died in ${span}`;
  if (count < criterion.minVolume) return { pool: pool.name, value: 0, words: () => ({ message: died }) };
  const last = pool.levels?.workers
    .flatMap(({ last_exit: exit }) => exit ?? [])
    .sort((a, b) => b.at - a.at)[0];
  return {
    pool: pool.name,
    value: count,
    words: (status) =>
      status === 'ok'
        ? { message: died }
        : {
            message: `${died}, ${thresholdWords(status, count, criterion, String)}`,
            why: `workers ended without being asked to${last === undefined ? '' : `, the last with ${exitWords(last)}`}`,
            remedy:
              'The events snakepit.worker.crashed and snakepit.worker.start_failed, and last_exit of the worker rows, tell exit code, memory and last words.',
          },
  };
};

const exitWords = ({
  code,
  signal,
  oom,
}: {
  code: number | null;
  signal: string | null;
  oom: boolean | null;
}) =>
  `${signal === null ? `exit code ${code}` : `signal ${signal}`}${oom === true ? ' (out of memory)' : ''}`;
