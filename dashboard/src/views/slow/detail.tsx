import { useEffect, useRef } from 'preact/hooks';
import { beganAt, isRunning } from '../../text/slow.ts';
import { parseStack } from '../../text/traceback.ts';
import type { SlowRequest } from '../../text/types.ts';
import { Card } from '../../ui/card.tsx';
import { Code, CopyCode } from '../../ui/copy.tsx';
import { ms } from '../../ui/format.ts';
import { Icon } from '../../ui/icon.tsx';
import { href, hrefWith } from '../../ui/route.ts';
import { Time } from '../../ui/time.tsx';
import { type Fact, Facts } from '../errors/facts.tsx';
import { Stack } from '../errors/traceback.tsx';
import { Anatomy } from './anatomy.tsx';
import { SlowStatus, Took } from './list.tsx';

const factsOf = (request: SlowRequest): readonly Fact[] => {
  const { pool, worker_id, request_id, correlation_id, threshold_ms, duration_ms, phase } = request;
  const facts: Fact[] = [
    [isRunning(request) ? 'Running for' : 'Took', <Took key="took" request={request} />],
    ['Slow after', ms(threshold_ms)],
    ['Noticed', <Time key="at" at={request.timestamp} mode="both" />],
    ['By then', `${ms(duration_ms)}, ${phase === 'queued' ? 'waiting in the queue' : 'running in a worker'}`],
  ];
  const began = beganAt(request);
  if (began !== null) facts.push(['Accepted', <Time key="began" at={began} mode="clock" />]);
  if (pool !== null) facts.push(['Pool', pool]);
  if (worker_id !== null)
    facts.push([
      'Worker',
      <a key="w" class="mono" href={href('worker', { pool, worker: worker_id })}>
        {worker_id}
      </a>,
    ]);
  if (request_id !== null) facts.push(['Request', <CopyCode key="r" text={request_id} label="request id" />]);
  if (correlation_id !== null)
    facts.push(['Correlation', <CopyCode key="c" text={correlation_id} label="correlation id" />]);
  return facts;
};

function PythonStack({ request }: { readonly request: SlowRequest }) {
  const { python_stack: text, stack_at, duration_ms, worker_id, phase } = request;
  if (text === null) {
    return (
      <p class="muted">
        {phase === 'queued'
          ? 'It waited in the queue: there was no Python stack to take.'
          : 'No stack could be taken of it: the worker was busy in native code, or stacks were asked for too often.'}
      </p>
    );
  }
  const frames = parseStack(text);
  return (
    <>
      <p class="muted small">
        Taken <Time at={stack_at ?? request.timestamp} mode="both" /> at {ms(duration_ms)}, in{' '}
        {worker_id ?? 'its worker'}. Most recent call last.
      </p>
      {frames.length > 0 && <Stack frames={frames} />}
      {frames.length === 0 ? (
        <Code text={text} label="Python stack" />
      ) : (
        <details>
          <summary>As Python printed it</summary>
          <Code text={text} label="Python stack" />
        </details>
      )}
    </>
  );
}

/** One slow request. */
export function SlowCard({ request }: { readonly request: SlowRequest }) {
  const ref = useRef<HTMLDivElement>(null);
  useEffect(() => {
    ref.current?.scrollIntoView({ block: 'nearest' });
  }, []);
  const close = (
    <a class="button quiet" href={hrefWith({ request: null })}>
      <Icon name="close" size={14} /> Close
    </a>
  );
  return (
    <div ref={ref}>
      <Card
        title={<span class="mono">{request.command ?? '(unknown)'}</span>}
        aside={close}
        class="slow-detail"
      >
        <div class="stack">
          <div class="row">
            <SlowStatus request={request} />
            {request.correlation_id !== null && (
              <a href={href('events', { correlation_id: request.correlation_id })}>
                Follow this request in the events
              </a>
            )}
            {request.code !== null && request.request_id !== null && (
              <a href={href('errors', { request: request.request_id })}>Its error</a>
            )}
          </div>
          <Facts rows={factsOf(request)} />
          {request.anatomy !== undefined && (
            <section>
              <h3>Where the time went</h3>
              <Anatomy anatomy={request.anatomy} />
            </section>
          )}
          <section>
            <h3>What Python did</h3>
            <PythonStack request={request} />
            {isRunning(request) && request.worker_id !== null && (
              <p class="stack-now">
                A stack of this moment:{' '}
                <CopyCode text={`snakepit stack ${request.worker_id}`} label="command" />
              </p>
            )}
          </section>
        </div>
      </Card>
    </div>
  );
}
