import { Card, Empty } from '../../ui/card.tsx';
import { Code, CopyCode } from '../../ui/copy.tsx';
import { count, duration } from '../../ui/format.ts';
import { href } from '../../ui/route.ts';
import { StatusBadge } from '../../ui/status.tsx';
import { Time } from '../../ui/time.tsx';
import { type Certificate, exitSaid, type Life } from './parse.ts';

function Death({ exit }: { readonly exit: Certificate }) {
  return (
    <div class="stack">
      <dl class="kv">
        <dt>How</dt>
        <dd>{exitSaid(exit)}</dd>
        <dt>Memory before</dt>
        <dd>
          {exit.memory_mb.length > 0
            ? `${exit.memory_mb.map((each) => each.toFixed(1)).join(', ')} MiB`
            : 'not read'}
        </dd>
        <dt>In flight</dt>
        <dd>
          {exit.in_flight.length === 0
            ? 'nothing'
            : exit.in_flight.map((id) => <CopyCode key={id} text={id} />)}
        </dd>
      </dl>
      {exit.last_stack && <Code text={exit.last_stack} label="Last Python stack" />}
      {exit.stderr_tail.length > 0 && (
        <Code text={exit.stderr_tail.join('\n')} label="Last lines of stderr" />
      )}
    </div>
  );
}

function LifeItem({ life, shown }: { readonly life: Life; readonly shown: string }) {
  const alive = life.ended_at === null;
  const lived = life.started_at !== null && life.ended_at !== null ? life.ended_at - life.started_at : null;
  return (
    <li class="life">
      <div class="row">
        <StatusBadge
          status={alive ? 'ok' : life.exit ? 'error' : 'neutral'}
          label={alive ? 'alive' : (life.reason ?? 'ended')}
        />
        {life.worker_id === shown ? (
          <strong class="mono">{life.worker_id}</strong>
        ) : (
          <a class="mono" href={href('worker', { id: life.worker_id })}>
            {life.worker_id}
          </a>
        )}
        <span class="muted num">
          {alive ? 'since ' : 'ended '}
          <Time at={alive ? life.started_at : life.ended_at} mode="both" />
          {lived !== null && ` · lived ${duration(lived)}`} · {count(life.requests)} requests
        </span>
      </div>
      {life.exit && (
        <details open={life.worker_id === shown}>
          <summary>Death certificate: {exitSaid(life.exit)}</summary>
          <Death exit={life.exit} />
        </details>
      )}
    </li>
  );
}

/** Who has worked in this slot. */
export function Lives({
  lives,
  slot,
  shown,
}: {
  readonly lives: readonly Life[];
  readonly slot: number;
  readonly shown: string;
}) {
  return (
    <Card title={`Lives of slot ${slot}`}>
      {lives.length === 0 ? (
        <Empty title="No lives are recorded" tone="info" />
      ) : (
        <ol class="stack">
          {lives.map((life) => (
            <LifeItem key={life.worker_id} life={life} shown={shown} />
          ))}
        </ol>
      )}
    </Card>
  );
}
