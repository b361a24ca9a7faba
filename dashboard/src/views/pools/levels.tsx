import type { PoolFrame } from '../../data/types.ts';
import { Bar } from '../../ui/bar.tsx';
import { compact, count, percent } from '../../ui/format.ts';

interface LevelProps {
  readonly label: string;
  readonly value: number | null;
  readonly text: string;
  readonly warning?: number | null | undefined;
  readonly error?: number | null | undefined;
  readonly max?: number;
}

function Level({ label, value, text, ...limits }: LevelProps) {
  return (
    <>
      <dt>{label}</dt>
      <dd>
        <Bar value={value} label={label} text={text} {...limits} />
      </dd>
      <dd class="num">{text}</dd>
    </>
  );
}

const share = (part: number | null, whole: number | null): number | null =>
  part === null || !whole ? null : part / whole;

/** Where a threshold of nothing would stand there is no room for a mark. */
const mark = (limit: number | null | undefined): number | null => (limit ? limit : null);

/** How full a pool is, with the thresholds of its health checks as marks. */
export function Levels({ pool }: { readonly pool: PoolFrame }) {
  const { error_rate: errors, queue_depth: queue } = pool.thresholds;
  const of = (part: number | null, whole: number | null) => `${count(part)} of ${compact(whole)}`;
  const most = Math.max(errors?.error ?? 0.25, pool.error_rate ?? 0) * 1.25;
  return (
    <dl class="levels stale-able">
      <Level
        label="Available"
        value={share(pool.available_workers, pool.workers_desired)}
        text={of(pool.available_workers, pool.workers_desired)}
      />
      <Level label="Utilisation" value={pool.utilisation} text={percent(pool.utilisation)} />
      <Level
        label="Queue"
        value={share(pool.queue_depth, pool.queue_capacity)}
        text={of(pool.queue_depth, pool.queue_capacity)}
        warning={mark(queue?.warning)}
        error={mark(queue?.error)}
      />
      <Level
        label="Errors"
        value={pool.error_rate}
        text={percent(pool.error_rate)}
        max={most}
        warning={mark(errors?.warning)}
        error={mark(errors?.error)}
      />
    </dl>
  );
}
