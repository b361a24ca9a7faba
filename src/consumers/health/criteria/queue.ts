import type { PoolSnapshot } from '../../../events/index.ts';
import type { PoolView } from '../pools.ts';
import { percent, plural } from '../verdict.ts';
import { type Criterion, type Finding, thresholdWords } from './finding.ts';

/** Fill of the queue. */
export const queueDepth = (pool: PoolView, criterion: Criterion): Finding => {
  const { name, levels } = pool;
  if (levels === undefined || levels.queue_depth === 0)
    return { pool: name, value: 0, words: () => ({ message: 'Queue empty' }) };
  const fill = levels.queue_capacity > 0 ? levels.queue_depth / levels.queue_capacity : 0;
  const message = `${levels.queue_depth} of ${levels.queue_capacity} waiting (${percent(fill)})`;
  return {
    pool: name,
    value: fill,
    words: (status) =>
      status === 'ok'
        ? { message }
        : {
            message,
            why: `${levels.queue_depth} requests wait, ${thresholdWords(status, fill, criterion)}; ${cause(levels)}`,
            remedy: `Raise pools.${name}.workers, make the command faster, or send less; a full queue refuses requests with queue_full.`,
          },
  };
};

const cause = (levels: PoolSnapshot): string =>
  `${levels.busy_workers} of ${plural(levels.workers.length, 'worker')} busy, ${levels.requests_in_flight} requests in flight`;
