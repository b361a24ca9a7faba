import { useEffect, useState } from 'preact/hooks';
import type { Problem } from '../../data/problem.ts';
import { now } from '../../data/store.ts';
import type { EventFilter } from '../../text/event-filter.ts';
import { patternFault, patternHelp } from '../../text/pattern.ts';
import { levels } from '../../text/say.ts';
import { Filter, Select } from '../../ui/filter.tsx';
import { go, hrefWith } from '../../ui/route.ts';

const change = (changes: Readonly<Record<string, string | null>>): void =>
  go(hrefWith(changes), { replace: true });

/** Somebody who types is not finished yet. */
const TYPING_MS = 400;

interface TextProps {
  readonly label: string;
  readonly value: string;
  readonly placeholder: string;
  readonly onChange: (value: string) => void;
}

/** A field that tells what was typed once the typing has ended. */
function useSlowField({
  value,
  onChange,
  fault,
  ...shown
}: TextProps & { readonly fault: (text: string) => boolean }) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  // Only what is typed starts the wait anew.
  useEffect(() => {
    if (text === value || fault(text)) return;
    const timer = setTimeout(() => onChange(text), TYPING_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return { text, field: <Filter {...shown} value={text} onChange={setText} /> };
}

const never = (): boolean => false;

export interface ToolbarProps {
  readonly filter: EventFilter;
  /** What the server says of it. */
  readonly refused: Problem | null;
}

/** What is shown, and why not, where it cannot be. */
export function Toolbar({ filter, refused }: ToolbarProps) {
  const pools = now.value?.pools.map(({ name }) => name) ?? [];
  const pattern = useSlowField({
    label: 'Event names',
    value: filter.pattern,
    placeholder: 'All events, or snakepit.worker.**',
    onChange: (value) => change({ pattern: value }),
    fault: (text) => patternFault(text) !== undefined,
  });
  const command = useSlowField({
    label: 'Command',
    value: filter.command,
    placeholder: 'Any command',
    onChange: (value) => change({ command: value }),
    fault: never,
  });
  const correlation = useSlowField({
    label: 'Correlation id',
    value: filter.correlationId,
    placeholder: 'Any correlation id',
    onChange: (value) => change({ correlation_id: value, level: null }),
    fault: never,
  });
  const fault = patternFault(pattern.text) ?? refused?.detail ?? refused?.title;
  const names = [...new Set([...pools, filter.pool])].filter((name) => name !== '');
  return (
    <div class="stack tight">
      <search class="toolbar">
        {pattern.field}
        <Select
          label="Level"
          value={filter.level}
          options={levels.map((level) => ({
            value: level,
            label: level === 'critical' ? level : `${level} and above`,
          }))}
          onChange={(level) => change({ level })}
        />
        <Select
          label="Pool"
          value={filter.pool}
          options={[{ value: '', label: 'All' }, ...names.map((name) => ({ value: name, label: name }))]}
          onChange={(pool) => change({ pool })}
        />
        {command.field}
        {correlation.field}
      </search>
      {fault === undefined ? (
        <p class="muted small">{patternHelp}</p>
      ) : (
        <p class="fault small" role="alert">
          {fault}
        </p>
      )}
    </div>
  );
}
