import type { Tone } from './status.tsx';

export interface BarProps {
  readonly value: number | null;
  readonly max?: number;
  /** Thresholds, in the measure of the value; drawn as ticks. */
  readonly warning?: number | null | undefined;
  readonly error?: number | null | undefined;
  /** Whether low is bad instead of high. */
  readonly lowIsBad?: boolean;
  readonly label: string;
  /** The value in words. */
  readonly text?: string | undefined;
}

const toneOf = ({ value, warning, error, lowIsBad }: BarProps): Tone => {
  if (value === null) return 'neutral';
  const beyond = (limit: number | null | undefined) =>
    limit !== null && limit !== undefined && (lowIsBad ? value < limit : value >= limit);
  if (beyond(error)) return 'error';
  return beyond(warning) ? 'warning' : 'info';
};

const place = (value: number, max: number): string => `${Math.min(100, Math.max(0, (value / max) * 100))}%`;

/** A level between nothing and all, with its thresholds. */
export function Bar(props: BarProps) {
  const { value, warning, error, label, text } = props;
  const max = props.max && props.max > 0 ? props.max : 1;
  const ticks = [
    { at: warning, kind: 'warning' },
    { at: error, kind: 'error' },
  ].filter((tick): tick is { at: number; kind: string } => typeof tick.at === 'number' && tick.at <= max);
  return (
    // biome-ignore lint/a11y/useSemanticElements: the browsers' own meter has no room for marks.
    <div
      class={`bar tone-${toneOf(props)}`}
      role="meter"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={max}
      aria-valuenow={Math.min(max, value ?? 0)}
      aria-valuetext={text ?? 'unknown'}
      title={`${label}: ${text ?? '–'}`}
    >
      <span class="bar-fill" style={{ width: place(value ?? 0, max) }} />
      {ticks.map(({ at, kind }) => (
        <span
          key={kind}
          class={`bar-tick ${kind}`}
          style={{ left: place(at, max) }}
          title={`${kind} at ${at}`}
        />
      ))}
    </div>
  );
}
