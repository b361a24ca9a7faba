import type { PoolFrame } from '../../data/types.ts';
import { Card, Notice } from '../../ui/card.tsx';
import { compact, count, ms, perSecond, plural } from '../../ui/format.ts';
import { href } from '../../ui/route.ts';
import { StatusBadge } from '../../ui/status.tsx';
import { workersSaid } from '../overview/figures.tsx';
import { Levels } from './levels.tsx';

function Rates({ pool }: { readonly pool: PoolFrame }) {
  const rates = [
    ['Requests/s', perSecond(pool.requests_per_second)],
    ['p50', ms(pool.p50_ms)],
    ['p95', ms(pool.p95_ms)],
    ['p99', ms(pool.p99_ms)],
    ['In flight', count(pool.in_flight)],
    ['Queue full', compact(pool.saturated_total)],
  ] as const;
  return (
    <dl class="pool-rates stale-able">
      {rates.map(([label, value]) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function Troubles({ pool }: { readonly pool: PoolFrame }) {
  const { crash_loop: loop, start_error: failed, circuit, quarantined_requests: banned } = pool;
  return (
    <>
      {loop && (
        <Notice status="error" title="Its workers fail as fast as they start.">
          {loop.why}
        </Notice>
      )}
      {failed && (
        <Notice status="error" title="Its workers do not start.">
          {failed}
        </Notice>
      )}
      {circuit && circuit !== 'closed' && (
        <Notice status="warning" title={`Its circuit breaker is ${circuit.replace('_', ' ')}.`} />
      )}
      {banned > 0 && (
        <Notice
          status="warning"
          title={`${plural(banned, 'request is', 'requests are')} refused since they killed workers.`}
        />
      )}
    </>
  );
}

export function PoolCard({ pool }: { readonly pool: PoolFrame }) {
  const made = [pool.python_version && `Python ${pool.python_version}`, pool.transport, pool.codec].filter(
    Boolean,
  );
  return (
    <Card
      title={<a href={href('pools', { pool: pool.name })}>{pool.name}</a>}
      aside={
        <>
          {pool.critical && <span class="chip">critical</span>}
          <StatusBadge status={pool.status} label={pool.status === 'ok' ? pool.state : undefined} />
        </>
      }
      tone={pool.status === 'ok' ? undefined : pool.status}
      footer={
        <span class="row between pool-foot">
          <span>
            {workersSaid(pool.workers)} · {plural(pool.restarts ?? 0, 'restart')}
          </span>
          <span>{made.join(' · ')}</span>
        </span>
      }
    >
      <div class="stack">
        <Troubles pool={pool} />
        <Rates pool={pool} />
        <Levels pool={pool} />
      </div>
    </Card>
  );
}
