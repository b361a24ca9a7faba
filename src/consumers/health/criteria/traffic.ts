import type { PoolView } from '../pools.ts';
import { percent, plural, seconds } from '../verdict.ts';
import type { WindowStats } from '../window.ts';
import { type Criterion, type Finding, thresholdWords } from './finding.ts';

/** Share of failed requests. */
export const errorRate = (pool: PoolView, criterion: Criterion, now: number): Finding => {
  const stats = pool.window.read(now, criterion.windowMs);
  const { judged, errorRate: rate, failed } = stats;
  const span = seconds(criterion.windowMs);
  if (judged < criterion.minVolume) {
    const message = `Error rate not judged: ${plural(judged, 'request')} in ${span}, ${criterion.minVolume} needed`;
    return { pool: pool.name, value: null, words: () => ({ message }) };
  }
  return {
    pool: pool.name,
    value: rate,
    words: (status) =>
      status === 'ok'
        ? { message: `Error rate ${percent(rate)} below threshold` }
        : {
            message: `Error rate ${percent(rate)}, ${thresholdWords(status, rate, criterion)}`,
            why: `${failed} of ${plural(judged, 'request')} in ${span} failed (${failures(stats)})`,
            remedy: failureRemedy(stats),
          },
  };
};

const failures = ({ byStatus }: WindowStats): string =>
  (['failure', 'timeout', 'crashed'] as const)
    .filter((status) => byStatus[status] > 0)
    .map((status) => `${status} ${byStatus[status]}`)
    .join(', ');

const failureRemedy = ({ byStatus: { failure, timeout, crashed } }: WindowStats): string => {
  if (crashed >= failure && crashed >= timeout) {
    return 'Workers die under requests: the crashed events tell exit code, memory and last words.';
  }
  if (timeout >= failure) {
    return 'Requests outlive their deadline: make the command faster, add workers, or raise timeoutMs.';
  }
  return 'Handlers raise: the failed events carry the Python tracebacks.';
};

/** The 95th percentile of the time requests took. */
export const responseTime = (pool: PoolView, criterion: Criterion, now: number): Finding => {
  const { timed, p95Ms, p50Ms } = pool.window.read(now, criterion.windowMs);
  const span = seconds(criterion.windowMs);
  if (timed < criterion.minVolume) {
    const message = `Response time not judged: ${plural(timed, 'request')} in ${span}, ${criterion.minVolume} needed`;
    return { pool: pool.name, value: null, words: () => ({ message }) };
  }
  const p95 = milliseconds(p95Ms);
  return {
    pool: pool.name,
    value: p95Ms,
    words: (status) =>
      status === 'ok'
        ? { message: `Response time ${p95} (p95) below threshold` }
        : {
            message: `Response time ${p95} (p95), ${thresholdWords(status, p95Ms, criterion, milliseconds)}`,
            why: `of ${plural(timed, 'request')} in ${span}, one in twenty took ${p95} or more, half of them ${milliseconds(p50Ms)}`,
            remedy: `Look at queue and Python time of the slow requests; add workers where they wait, or set health.criteria.response_time to what is normal here.`,
          },
  };
};

/** `12.3` → `12 ms`, `1234` → `1.2 s`. */
const milliseconds = (ms: number): string => (ms < 1000 ? `${Math.round(ms)} ms` : seconds(ms));
