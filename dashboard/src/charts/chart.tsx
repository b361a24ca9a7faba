import type { ComponentChildren } from 'preact';
import { useMemo, useRef, useState } from 'preact/hooks';
import type uPlot from 'uplot';
import type { Marker } from '../data/types.ts';
import { clockTime } from '../ui/format.ts';
import { markersPlugin, type Threshold, thresholdsPlugin } from './marks.ts';
import { type ChartSeries, chartOptions, type Format } from './options.ts';
import { usePlot } from './use-plot.ts';

export interface ChartProps {
  readonly title: string;
  /** Milliseconds since 1970. */
  readonly x: readonly number[];
  readonly series: readonly ChartSeries[];
  readonly format: Format;
  readonly markers?: readonly Marker[] | undefined;
  readonly thresholds?: readonly Threshold[] | undefined;
  readonly height?: number;
  /** Whether the values are whole numbers. */
  readonly whole?: boolean;
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

/** Lines over time, in step with the other charts of the view. */
export function Chart(props: ChartProps) {
  const {
    title,
    x,
    series,
    format,
    markers = [],
    thresholds = [],
    height = 180,
    metric,
    whole = false,
  } = props;
  const marks = useRef({ markers, thresholds });
  marks.current = { markers, thresholds };
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
      plugins: [markersPlugin(() => marks.current.markers), thresholdsPlugin(() => marks.current.thresholds)],
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
      <AsTable>{() => <DataTable {...props} />}</AsTable>
    </figure>
  );
}
