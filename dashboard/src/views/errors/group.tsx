import { useEffect, useRef } from 'preact/hooks';
import type { ErrorGroup, ErrorLine, ErrorList } from '../../text/types.ts';
import { Card, Empty } from '../../ui/card.tsx';
import { plural } from '../../ui/format.ts';
import { Icon } from '../../ui/icon.tsx';
import { hrefWith } from '../../ui/route.ts';
import { Time } from '../../ui/time.tsx';
import { ErrorCard } from './detail.tsx';

/** So many are offered; they are of one kind, after all. */
const MAX_SHOWN = 20;

function Lines({
  lines,
  current,
}: {
  readonly lines: readonly ErrorLine[];
  readonly current: string | undefined;
}) {
  return (
    <ol class="error-lines">
      {lines.slice(0, MAX_SHOWN).map((line) => (
        <li key={line.id}>
          <a
            href={hrefWith({ group: line.group_id, error: line.id, request: null })}
            aria-current={line.id === current ? 'true' : undefined}
          >
            <Time at={line.timestamp} mode="clock" />
            <span class="clip" title={line.message}>
              {line.message}
            </span>
          </a>
        </li>
      ))}
    </ol>
  );
}

const linesOf = ({ errors }: ErrorList, group: ErrorGroup): readonly ErrorLine[] =>
  errors.filter(({ group_id }) => group_id === group.id);

export interface GroupErrorsProps {
  readonly list: ErrorList;
  readonly group: ErrorGroup | undefined;
  readonly errorId: string | undefined;
}

/** The errors of one kind, and one of them. The newest at first; then the one that was chosen stays, whatever comes. */
export function GroupErrors({ list, group, errorId }: GroupErrorsProps) {
  const ref = useRef<HTMLDivElement>(null);
  const first = useRef<string | undefined>(undefined);
  const key = group?.id ?? '';
  const last = useRef(key);
  if (last.current !== key) first.current = undefined;
  last.current = key;
  first.current ??= group?.last_error_id;
  const shown = errorId ?? first.current;
  // Another kind was opened.
  useEffect(() => {
    ref.current?.scrollIntoView({ block: 'nearest' });
  }, [key]);
  const lines = group === undefined ? [] : linesOf(list, group);
  const isNewer = errorId === undefined && group !== undefined && group.last_error_id !== shown;
  const close = (
    <a class="button quiet" href={hrefWith({ group: null, error: null, request: null })}>
      <Icon name="close" size={14} /> Close
    </a>
  );
  return (
    <div class="stack" ref={ref}>
      <Card title="Of this kind" aside={close}>
        {group === undefined && (
          <Empty
            tone="neutral"
            title="This kind of error is not known here"
            hint="It was forgotten for newer kinds, or happened in a process that has ended."
          />
        )}
        {group !== undefined && (
          <>
            <p class="error-shape whole">{group.message}</p>
            <p class="muted small">
              {plural(group.count, 'error')} since <Time at={group.first_seen} mode="clock" />
              {lines.length < group.count && `; ${lines.length} of them kept singly`}
              {lines.length > MAX_SHOWN && `; the last ${MAX_SHOWN} here`}
            </p>
            <Lines lines={lines} current={shown} />
            {isNewer && (
              <a href={hrefWith({ group: group.id, error: group.last_error_id, request: null })}>
                Show the newest
              </a>
            )}
          </>
        )}
      </Card>
      {shown !== undefined && <ErrorCard key={shown} id={shown} />}
    </div>
  );
}
