import { useResource } from '../../data/api.ts';
import { now } from '../../data/store.ts';
import { jsonOf, reportOf } from '../../text/report.ts';
import { parseStack, raisedOf } from '../../text/traceback.ts';
import type { ErrorContext, ErrorDetail } from '../../text/types.ts';
import { Card, Problem, Skeleton } from '../../ui/card.tsx';
import { Code, CopyButton, CopyCode } from '../../ui/copy.tsx';
import { ms } from '../../ui/format.ts';
import { href } from '../../ui/route.ts';
import { StatusBadge } from '../../ui/status.tsx';
import { Time } from '../../ui/time.tsx';
import { Exit } from './exit.tsx';
import { type Fact, Facts } from './facts.tsx';
import { Stack, Traceback } from './traceback.tsx';

const words = (name: string): string => {
  const text = name.replaceAll('_', ' ').replace(/ ms$| mb$| seconds$/, '');
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
};
const inUnits = (name: string, value: unknown): string => {
  if (typeof value !== 'number') return String(value);
  if (name.endsWith('_ms')) return ms(value);
  if (name.endsWith('_mb')) return `${value.toFixed(1)} MiB`;
  if (name.endsWith('_seconds')) return ms(value * 1000);
  return String(value);
};

/** Worker and pool stand above already. */
const said = new Set(['worker_id', 'worker_slot', 'pool_name']);

const factsOf = (error: ErrorDetail): readonly Fact[] => {
  const { error: context, correlation_id, worker_id, request_id, retryable } = error;
  const facts: Fact[] = [['When', <Time key="t" at={error.timestamp} mode="both" />]];
  if (retryable !== null) facts.push(['Safe to retry', retryable ? 'yes' : 'no']);
  if (context?.path !== undefined)
    facts.push([
      'At fault',
      <span key="p">
        <code>{context.path}</code> in the {context.path_in ?? 'arguments'}
      </span>,
    ]);
  if (worker_id !== null)
    facts.push([
      'Worker',
      <a key="w" class="mono" href={href('worker', { pool: error.pool, worker: worker_id })}>
        {worker_id}
      </a>,
    ]);
  if (request_id !== null) facts.push(['Request', <CopyCode key="r" text={request_id} label="request id" />]);
  if (correlation_id !== null)
    facts.push(['Correlation', <CopyCode key="c" text={correlation_id} label="correlation id" />]);
  for (const [name, value] of Object.entries(error.measurements))
    facts.push([words(name), inUnits(name, value)]);
  for (const [name, value] of Object.entries(context?.system_context ?? {}))
    if (!said.has(name) && value !== null) facts.push([words(`worker_${name}`), inUnits(name, value)]);
  return facts;
};

function Attempts({ context }: { readonly context: ErrorContext }) {
  if (context.attempts === undefined || context.attempts.length === 0) return null;
  return (
    <section>
      <h3>Earlier attempts</h3>
      <ol class="attempts">
        {context.attempts.map((one) => (
          <li key={one.attempt} value={one.attempt}>
            <strong>{one.code}</strong> on <span class="mono">{one.worker_id}</span> after{' '}
            {ms(one.duration_ms)}: {one.message}
          </li>
        ))}
      </ol>
    </section>
  );
}

function StackSection({ text }: { readonly text: string }) {
  const frames = parseStack(text);
  return (
    <section>
      <h3>Python stack when it was noticed</h3>
      {frames.length > 0 ? <Stack frames={frames} /> : <Code text={text} label="Python stack" />}
    </section>
  );
}

function Context({ context }: { readonly context: ErrorContext }) {
  const raised = raisedOf(context);
  const args = context.request_context?.args;
  return (
    <>
      {raised.length > 0 && (
        <section>
          <h3>Python traceback</h3>
          <p class="muted small">Most recent call last. Frames of libraries are folded.</p>
          <Traceback raised={raised} />
        </section>
      )}
      {context.python_stack !== undefined && <StackSection text={context.python_stack} />}
      {context.exit !== undefined && (
        <section>
          <h3>How the worker ended</h3>
          <Exit exit={context.exit} />
        </section>
      )}
      <Attempts context={context} />
      {args !== undefined && (
        <section>
          <h3>Arguments (sanitized)</h3>
          <Code text={JSON.stringify(args, null, 2)} label="arguments" />
        </section>
      )}
      {context.python_traceback !== undefined && (
        <details>
          <summary>Traceback as Python printed it</summary>
          <Code text={context.python_traceback} label="traceback" />
        </details>
      )}
    </>
  );
}

function Copies({ error }: { readonly error: ErrorDetail }) {
  const about = { version: now.value?.version, instance: now.value?.instance };
  return (
    <>
      <CopyButton text={reportOf(error, about)} label="report as Markdown" visible="Markdown" />
      <CopyButton text={jsonOf(error)} label="error as JSON" visible="JSON" />
    </>
  );
}

/** One error with everything that was preserved. */
export function ErrorCard({ id }: { readonly id: string }) {
  const {
    data: error,
    error: problem,
    reload,
  } = useResource<ErrorDetail>(`api/errors/${encodeURIComponent(id)}`);
  if (error === null) {
    return (
      <Card title="Error">
        {problem === null ? <Skeleton lines={8} /> : <Problem problem={problem} retry={reload} />}
      </Card>
    );
  }
  return (
    <Card
      title={<span class="mono">{error.command ?? error.event}</span>}
      aside={<Copies error={error} />}
      class="error-detail"
    >
      <div class="stack">
        <div class="stack tight">
          <div class="row">
            <StatusBadge status="error" label={error.code} />
            <span class="chip">{error.category}</span>
            {error.pool !== null && <span class="chip">{error.pool}</span>}
          </div>
          <p class="error-message">{error.message}</p>
          {error.correlation_id !== null && (
            <a href={href('events', { correlation_id: error.correlation_id })}>
              Follow this request in the events
            </a>
          )}
        </div>
        <Facts rows={factsOf(error)} />
        {error.error !== null && <Context context={error.error} />}
      </div>
    </Card>
  );
}
