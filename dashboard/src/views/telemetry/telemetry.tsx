import { useMemo, useRef } from 'preact/hooks';
import { useResource } from '../../data/api.ts';
import { clock } from '../../data/store.ts';
import { type Reading, ratesOf } from '../../text/rates.ts';
import { consumerTone, droppedOf, offeredOf, type Telemetry } from '../../text/telemetry.ts';
import { Card, Notice, PageTitle, Problem, Skeleton } from '../../ui/card.tsx';
import { count, duration, percent, plural } from '../../ui/format.ts';
import { StatusBadge } from '../../ui/status.tsx';
import { type Fact, Facts } from '../errors/facts.tsx';
import { Configuration } from './config.tsx';
import { Consumers } from './consumers.tsx';
import './telemetry.css';

const EVERY_MS = 2000;

/** What each consumer is offered a second, since the reading before. */
const useRates = (data: Telemetry | null): Readonly<Record<string, number>> => {
  const before = useRef<Reading | undefined>(undefined);
  return useMemo(() => {
    if (data === null) return {};
    const after = { at: performance.now(), counts: offeredOf(data) };
    const rates = ratesOf(before.current, after);
    before.current = after;
    return rates;
  }, [data]);
};

function Rules({ data }: { readonly data: Telemetry }) {
  const { sampling, rate_limits, keep, hold } = data;
  const samples = Object.entries(sampling);
  const limits = Object.entries(rate_limits);
  const rows: readonly Fact[] = [
    ['Kept whatever the rate', `${count(keep.per_second)} a second, ${count(keep.burst)} at once`],
    ['Held until a request ends', `${count(hold.max_events)} events, for ${duration(hold.max_age_ms)}`],
  ];
  return (
    <Card title="Sampling and limits in force">
      <div class="stack tight">
        {samples.length === 0 && limits.length === 0 && (
          <p class="muted plain">
            Nothing is sampled or limited: every event goes to everybody who asked for it.
          </p>
        )}
        {samples.length > 0 && (
          <ul class="rules" aria-label="Sampling">
            {samples.map(([pattern, rate]) => (
              <li key={pattern} class="row between">
                <code>{pattern}</code> <span class="num">{percent(rate)} kept</span>
              </li>
            ))}
          </ul>
        )}
        {limits.length > 0 && (
          <ul class="rules" aria-label="Rate limits">
            {limits.map(([pattern, { per_second, burst, key }]) => (
              <li key={pattern} class="row between">
                <code>{pattern}</code>
                <span class="num">
                  {count(per_second)} a second{burst !== null && `, ${count(burst)} at once`}
                  {key !== null && `, for each ${key}`}
                </span>
              </li>
            ))}
          </ul>
        )}
        <Facts rows={rows} />
      </div>
    </Card>
  );
}

const logWords: Readonly<Record<string, string>> = { write_errors: 'Write errors', dropped: 'Lines dropped' };

function Logs({ logs }: Pick<Telemetry, 'logs'>) {
  if (logs === null) {
    return (
      <Card title="Logs">
        <p class="muted plain">
          The application writes its own log; Snakepit does not know what became of it.
        </p>
      </Card>
    );
  }
  const bad = Object.values(logs).some((value) => typeof value === 'number' && value > 0);
  const rows = Object.entries(logs).map(
    ([name, value]): Fact => [
      logWords[name] ?? name.replaceAll('_', ' '),
      typeof value === 'number' ? count(value) : String(value),
    ],
  );
  return (
    <Card
      title="Logs"
      aside={<StatusBadge status={bad ? 'warning' : 'ok'} label={bad ? 'lines were lost' : 'all written'} />}
    >
      <Facts rows={rows} />
    </Card>
  );
}

function Summary({ data }: { readonly data: Telemetry }) {
  const lost = data.consumers.reduce((sum, consumer) => sum + droppedOf(consumer).lost, 0);
  const open = data.consumers.filter(({ circuit }) => circuit !== 'closed').length;
  const status = data.consumers.some((consumer) => consumerTone(consumer) === 'error')
    ? 'error'
    : lost + open > 0
      ? 'warning'
      : 'ok';
  return (
    <>
      <StatusBadge
        status={status}
        label={
          open > 0
            ? `${plural(open, 'circuit')} not closed`
            : lost > 0
              ? `${plural(lost, 'event')} lost`
              : 'nothing lost'
        }
      />
      <span class="muted">{plural(data.events.emitted, 'event')} emitted</span>
      {data.events.malformed > 0 && (
        <StatusBadge status="warning" label={`${count(data.events.malformed)} malformed`} />
      )}
    </>
  );
}

/** Whether what is seen is all there was: the observability looks at itself. */
export default function TelemetryView() {
  const { data, error, reload } = useResource<Telemetry>(
    'health/telemetry',
    Math.floor(clock.value / EVERY_MS),
  );
  const rates = useRates(data);
  return (
    <>
      <PageTitle title="Telemetry" aside={data && <Summary data={data} />} />
      <div class="stack">
        {data === null && error === null && <Skeleton lines={10} />}
        {data === null && error !== null && <Problem problem={error} retry={reload} />}
        {data !== null && error !== null && (
          <Notice status="warning" title="The report could not be read again; it may be old." />
        )}
        {data !== null && (
          <>
            <Consumers data={data} rates={rates} />
            <div class="telemetry-cards">
              <Rules data={data} />
              <Logs logs={data.logs} />
            </div>
          </>
        )}
        <Configuration />
      </div>
    </>
  );
}
