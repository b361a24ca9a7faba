import { useResource } from '../../data/api.ts';
import { clock, now } from '../../data/store.ts';
import { Card, Notice, PageTitle, Problem, Skeleton } from '../../ui/card.tsx';
import { plural } from '../../ui/format.ts';
import { StatusBadge } from '../../ui/status.tsx';
import { Changes, Checks, toneOf } from './checks.tsx';
import { Dependencies, Interpreters, Probes, System } from './parts.tsx';
import { Strip } from './strip.tsx';
import type { Detailed } from './types.ts';
import './health.css';

/** Figures in messages change all the time; nobody reads them faster. */
const EVERY_MS = 5000;

function Overall({ report }: { readonly report: Detailed }) {
  const bad = report.checks.filter(({ status }) => status !== 'ok');
  return (
    <Card>
      <div class="row between">
        <span class="row">
          <StatusBadge status={toneOf(report.status)} size="large" />
          <span>
            {bad.length === 0
              ? `All ${plural(report.checks.length, 'check')} are well`
              : `${bad.length} of ${plural(report.checks.length, 'check')} not well`}
          </span>
        </span>
        <span class="muted small-text">last 15 minutes</span>
      </div>
      <Strip report={report} check={null} status={report.status} />
      <div class="strip-scale" aria-hidden="true">
        <span>15 m ago</span>
        <span>now</span>
      </div>
      <Changes report={report} check={null} />
    </Card>
  );
}

function Report({ report, refresh }: { readonly report: Detailed; readonly refresh: unknown }) {
  return (
    <div class="health-columns">
      <div class="stack">
        <Overall report={report} />
        <Card title="Checks">
          <Checks report={report} />
        </Card>
        <Dependencies dependencies={report.dependencies} />
      </div>
      <div class="stack">
        <Probes refresh={refresh} />
        <System system={report.system} />
        <Interpreters />
      </div>
    </div>
  );
}

/** How it is, why, and what would mend it. */
export default function HealthView() {
  const refresh = `${now.value?.counts.status_changes} ${Math.floor(clock.value / EVERY_MS)}`;
  const { data, error, reload } = useResource<Detailed>('health/detailed', refresh);
  return (
    <>
      <PageTitle title="Health" />
      <div class="stack">
        {data === null && error === null && <Skeleton lines={10} />}
        {data === null && error !== null && <Problem problem={error} retry={reload} />}
        {data !== null && error !== null && (
          <Notice status="warning" title="The report could not be read again; it may be old." />
        )}
        {data !== null && <Report report={data} refresh={refresh} />}
      </div>
    </>
  );
}
