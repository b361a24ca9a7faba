import type { ComponentChildren } from 'preact';
import { useMemo, useRef, useState } from 'preact/hooks';
import type uPlot from 'uplot';
import type { Marker } from '../data/types.ts';
import { clockTime } from '../ui/format.ts';
import { type Limit, mostIn, topOf } from './limits.ts';
import { limitsPlugin, markersPlugin } from './marks.ts';
import { type ChartSeries, chartOptions, type Format } from './options.ts';
import { usePlot } from './use-plot.ts';
import { zoom } from './zoom.ts';

export interface ChartProps {
  readonly title: string;
  /** Milliseconds since 1970. */
  readonly x: readonly number[];
  readonly series: readonly ChartSeries[];
  readonly format: Format;
  readonly markers?: readonly Marker[] | undefined;
  /** Thresholds of health. */
  readonly limits?: readonly Limit[] | undefined;
  readonly height?: number;
  /** Whether the values are whole numbers. */
  readonly whole?: boolean;
  /** No value is above it. */
  readonly ceiling?: number | undefined;
  readonly metric?: string | undefined;
}

function DataTable({ title, x, series, format }: ChartProps) {
  const rows = x
    .map((at, index) => ({ at, index }))
    .filter(({ index }) => series.some((s) => s.values[index] != null));
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
    <section class="table-scroll chart-table" tabIndex={0} aria-label={`${title} as a table`}>
      <table>
        <thead>
          <tr>
            <th scope="col">Time</th>
            {series.map(({ label }) => (
              <th key={label} scope="col" class="num">
                {label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.reverse().map(({ at, index }) => (
            <tr key={at}>
              <td>{clockTime(at)}</td>
              {series.map(({ label, values }) => (
                <td key={label} class="num">
                  {format(values[index] ?? null)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** The same figures for whoever cannot see, or wants to copy them. */
export function AsTable(props: { readonly children: () => ComponentChildren }) {
  const [open, setOpen] = useState(false);
  return (
    <details class="as-table" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Show as table</summary>
      {open && props.children()}
    </details>
  );
}

/** The thresholds in words: for all who do not see the lines, be it that these are above what is shown. */
function Limits({ x, series, limits = [], ceiling }: ChartProps) {
  if (limits.length === 0) return null;
  const lines = series.map(({ values }) => values);
  const top = topOf(ceiling ?? mostIn(x, lines, zoom.value), limits);
  const isAbove = ({ value }: Limit): boolean => value > top;
  return (
    <p class={limits.some(isAbove) ? 'chart-limits muted' : 'visually-hidden'}>
      Health:{' '}
      {limits.map((limit, i) => (
        <span key={limit.tone} class={isAbove(limit) ? '' : 'visually-hidden'}>
          {i > 0 && '; '}
          {limit.label}
          {isAbove(limit) && ', above what is shown'}
        </span>
      ))}
    </p>
  );
}

/** Lines over time, in step with the other charts of the view. */
export function Chart(props: ChartProps) {
  const {
    title,
    x,
    series,
    format,
    markers = [],
    limits = [],
    height = 180,
    metric,
    whole = false,
    ceiling,
  } = props;
  const marks = useRef({ markers, limits });
  marks.current = { markers, limits };
  const data = useMemo<uPlot.AlignedData>(
    () => [[...x], ...series.map(({ values }) => [...values])],
    [x, series],
  );
  const make = (width: number) =>
    chartOptions({
      width,
      height,
      series,
      format,
      whole,
      ceiling,
      top: (most) => topOf(most, marks.current.limits),
      plugins: [markersPlugin(() => marks.current.markers), limitsPlugin(() => marks.current.limits)],
    });
  const shape = JSON.stringify([
    height,
    series.map(({ label, tone, dash, fill }) => [label, tone, dash, fill]),
  ]);
  const { box } = usePlot(make, data, shape);
  return (
    <figure class="chart">
      <figcaption class="row between">
        <span class="chart-title">{title}</span>
        {metric && (
          <code class="clip muted" title={`The same as the metric ${metric}`}>
            {metric}
          </code>
        )}
      </figcaption>
      <div ref={box} class="plot stale-able" style={{ minHeight: `${height + 28}px` }} />
      <Limits {...props} />
      <AsTable>{() => <DataTable {...props} />}</AsTable>
    </figure>
  );
}
