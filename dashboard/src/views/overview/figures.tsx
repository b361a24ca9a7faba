import { countsOf, errorRateOf, inLastMinute, keyOf, perSecondOf } from '../../data/series.ts';
import type { History, NowFrame, WorkerCounts } from '../../data/types.ts';
import { Figure } from '../../ui/figure.tsx';
import { compact, count, ms, percent, perSecond } from '../../ui/format.ts';
import { metrics } from '../../ui/metrics.ts';
import { href } from '../../ui/route.ts';

/** "3 ready, 1 busy". */
export const workersSaid = (workers: WorkerCounts): string =>
  Object.entries(workers)
    .filter(([, n]) => n > 0)
    .map(([state, n]) => `${n} ${state}`)
    .join(', ') || 'none';

interface Props {
  readonly frame: NowFrame;
  readonly history: History | null;
}

export function TrafficFigures({ frame, history }: Props) {
  const { total } = frame;
  const trend = (make: (known: History) => (number | null)[]) => (history ? make(history) : null);
  const failing = (total.error_rate ?? 0) > 0;
  return (
    <section class="figures" aria-label="Requests">
      <Figure
        label="Requests"
        value={perSecond(total.requests_per_second)}
        unit="/s"
        metric={metrics.requests}
        note={`${compact(total.requests_1m)} in 1 min`}
        trend={trend((h) => perSecondOf(h, 'requests'))}
        href={href('latency')}
      />
      <Figure
        label="Error rate"
        value={percent(total.error_rate)}
        metric={metrics.errors}
        note="last minute"
        trend={trend(errorRateOf)}
        tone={failing ? 'error' : 'muted'}
        href={href('errors')}
      />
      <Figure
        label="Median (p50)"
        value={ms(total.p50_ms)}
        metric={metrics.duration}
        note="last minute"
        trend={trend((h) => keyOf(h, 'p50_ms'))}
        href={href('latency')}
      />
      <Figure
        label="p95"
        value={ms(total.p95_ms)}
        metric={metrics.duration}
        note="last minute"
        trend={trend((h) => keyOf(h, 'p95_ms'))}
        href={href('latency')}
      />
      <Figure
        label="p99"
        value={ms(total.p99_ms)}
        metric={metrics.duration}
        note="last minute"
        trend={trend((h) => keyOf(h, 'p99_ms'))}
        href={href('latency')}
      />
      <Figure
        label="In flight"
        value={count(total.in_flight)}
        metric={metrics.inFlight}
        note={`of ${count(total.slots)} slots`}
        trend={trend((h) => keyOf(h, 'in_flight'))}
      />
    </section>
  );
}

export function CapacityFigures({ frame, history }: Props) {
  const { total, sessions } = frame;
  const trend = (make: (known: History) => (number | null)[]) => (history ? make(history) : null);
  return (
    <section class="figures" aria-label="Capacity">
      <Figure
        label="Queue"
        value={count(total.queue_depth)}
        metric={metrics.queue}
        note={`of ${compact(total.queue_capacity)} places`}
        trend={trend((h) => keyOf(h, 'queue_depth'))}
      />
      <Figure
        label="Workers available"
        value={count(total.available_workers)}
        unit={`of ${count(total.workers_desired)}`}
        metric={metrics.workers}
        note={<span title={workersSaid(total.workers)}>{workersSaid(total.workers)}</span>}
        trend={trend((h) => keyOf(h, 'workers_available'))}
        href={href('pools')}
      />
      <Figure
        label="Utilisation"
        value={percent(total.utilisation)}
        metric={metrics.utilisation}
        note="of the slots' time, 5 s"
        trend={trend((h) => keyOf(h, 'utilisation'))}
      />
      <Figure
        label="Restarts"
        value={count(total.restarts)}
        metric={metrics.exits}
        note="since the start"
        trend={trend((h) => countsOf(h, 'restarts'))}
        tone="warning"
      />
      <Figure
        label="Refused"
        value={count(history && inLastMinute(history, 'rejected'))}
        metric={metrics.requests}
        note="last minute"
        trend={trend((h) => countsOf(h, 'rejected'))}
        tone="warning"
        href={href('pools')}
      />
      <Figure
        label="Sessions"
        value={count(sessions?.active)}
        unit={sessions?.capacity ? `of ${compact(sessions.capacity)}` : ''}
        metric={sessions ? metrics.sessions : undefined}
        note={sessions ? 'active' : 'sessions are not used'}
        trend={sessions ? trend((h) => keyOf(h, 'sessions')) : []}
      />
    </section>
  );
}
