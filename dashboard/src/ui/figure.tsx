import type { ComponentChildren } from 'preact';
import type { ChartTone } from '../charts/colours.ts';
import { CopyButton } from './copy.tsx';
import { split } from './format.ts';
import { Icon } from './icon.tsx';
import { Sparkline } from './sparkline.tsx';

export interface FigureProps {
  readonly label: string;
  /** As the formatters make it: "1.36 ms". */
  readonly value: string;
  readonly unit?: string | undefined;
  /** The metric behind the figure. */
  readonly metric?: string | undefined;
  /** The last fifteen minutes; null while they are fetched. */
  readonly trend?: readonly (number | null)[] | null | undefined;
  readonly tone?: ChartTone | undefined;
  readonly note?: ComponentChildren;
  readonly status?: 'warning' | 'error' | undefined;
  readonly href?: string | undefined;
}

/** A figure, its trend, and the name of the metric it agrees with. */
export function Figure({ label, value, unit, metric, trend, tone, note, status, href }: FigureProps) {
  const [number, own] = split(value);
  return (
    <div class={`figure ${status ? `tone-${status}` : ''}`}>
      <div class="figure-label">
        {href ? <a href={href}>{label}</a> : label}
        {status && <Icon name={status} size={14} />}
      </div>
      <div class="figure-value stale-able">
        <span class="figure-number">{number}</span>
        <span class="figure-unit">{unit ?? own}</span>
      </div>
      <div class="figure-note muted clip">{note ?? ' '}</div>
      {trend !== undefined && (
        <Sparkline values={trend} label={`${label}, last 15 minutes`} tone={status ?? tone ?? 'accent'} />
      )}
      {metric && (
        <div class="figure-metric">
          <code class="clip" title={`The same as the metric ${metric}`}>
            {metric}
          </code>
          <CopyButton text={metric} label={`the name ${metric}`} />
        </div>
      )}
    </div>
  );
}
