import type uPlot from 'uplot';
import { now } from '../data/store.ts';
import { clockTime, NONE } from '../ui/format.ts';
import { type ChartTone, colour, faded, toneColour } from './colours.ts';
import { resetZoom, together, zoom, zoomTo } from './zoom.ts';

export interface ChartSeries {
  readonly label: string;
  readonly values: readonly (number | null)[];
  readonly tone: ChartTone;
  /** Apart from others without colour. */
  readonly dash?: readonly number[];
  readonly fill?: boolean;
}

export type Format = (value: number | null) => string;

const MINUTE_MS = 60_000;
const FONT = '11px system-ui, sans-serif';

/** Steps of an axis of things that cannot be halved. */
const wholeSteps = Array.from({ length: 10 }, (_, power) =>
  [1, 2, 5].map((step) => step * 10 ** power),
).flat();

/** Time of day without the date: what is shown is always of now. */
const timesSaid = (_plot: uPlot, splits: number[], _axis: number, _space: number, step: number): string[] =>
  splits.map((at) => (step < MINUTE_MS ? clockTime(at) : clockTime(at).slice(0, 5)));

export const axes = (format: Format, whole = false, ceiling = Number.POSITIVE_INFINITY): uPlot.Axis[] => {
  const stroke = colour('--muted');
  const grid = { stroke: colour('--line'), width: 1 };
  const common = { stroke, font: FONT, ticks: { show: false } };
  return [
    { ...common, grid: { show: false }, space: 72, size: 28, values: timesSaid },
    {
      ...common,
      grid,
      size: 64,
      space: 36,
      values: (_, splits) => splits.map((each) => (each === null || each > ceiling ? '' : format(each))),
      ...(whole ? { incrs: wholeSteps } : {}),
    },
  ];
};

/** The pointer and the shown span are the same in all charts. */
export const cursor = (): uPlot.Cursor => ({
  drag: { x: true, y: false, setScale: false },
  points: { size: 6 },
  sync: {
    key: together.key,
    setSeries: false,
    scales: ['x', null],
    filters: { pub: (type) => type === 'mousemove' || type === 'mouseleave', sub: () => true },
  },
  bind: {
    dblclick: () => () => {
      resetZoom();
      return null;
    },
  },
});

export const onSelect = (plot: uPlot): void => {
  const { left, width } = plot.select;
  if (width < 4) return;
  zoomTo(plot.posToVal(left, 'x'), plot.posToVal(left + width, 'x'));
  plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
};

/** Where nobody points, the legend tells what is known last. */
export const showLatest = (plot: uPlot): void => {
  if ((plot.cursor.left ?? -1) >= 0) return;
  const [x = [], ...lines] = plot.data;
  const last = [...x.keys()].reverse().find((index) => lines.some((line) => line[index] != null));
  if (last !== undefined) plot.setLegend({ idx: last }, false);
};

/** Less than this is not shown, however young the instance is. */
const LEAST_MS = 2 * MINUTE_MS;

/** What is shown on the time axis: the common span, or all there is since the start. */
export const xRange = (_plot: uPlot, min: number, max: number): [number, number] => {
  const span = zoom.peek();
  if (span) return [span.from, span.to];
  const started = now.peek()?.started_at ?? min;
  return [Math.max(min, Math.min(started, max - LEAST_MS)), max];
};

const lineOf = ({ label, tone, dash, fill }: ChartSeries, format: Format): uPlot.Series => {
  const stroke = toneColour(tone);
  const series: uPlot.Series = {
    label,
    stroke,
    width: 1.5,
    points: { show: false },
    value: (_, value) => (value === null || value === undefined ? NONE : format(value)),
  };
  if (dash) series.dash = [...dash];
  if (fill) series.fill = faded(stroke, 0.14);
  return series;
};

export interface Made {
  readonly width: number;
  readonly height: number;
  readonly series: readonly ChartSeries[];
  readonly format: Format;
  /** Whether the values are whole numbers. */
  readonly whole: boolean;
  /** No value is above it, and so no mark of the axis. */
  readonly ceiling?: number | undefined;
  /** Where the axis ends that has values up to `most`. */
  readonly top: (most: number) => number;
  readonly plugins: uPlot.Plugin[];
}

export const chartOptions = ({
  width,
  height,
  series,
  format,
  whole,
  ceiling,
  top,
  plugins,
}: Made): uPlot.Options => ({
  width,
  height,
  ms: 1,
  padding: [8, 8, 0, 0],
  cursor: cursor(),
  plugins,
  hooks: { setSelect: [onSelect], setCursor: [showLatest] },
  scales: {
    x: { time: true, range: xRange },
    y: { range: (_, __, max) => [0, top(ceiling ?? max)] },
  },
  axes: axes(format, whole, ceiling),
  legend: { live: true },
  series: [{ label: 'Time', value: (_, at) => clockTime(at) }, ...series.map((each) => lineOf(each, format))],
});
