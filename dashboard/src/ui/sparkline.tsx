import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { type ChartTone, faded, toneColour } from '../charts/colours.ts';
import { isDark } from './theme.ts';

export interface SparklineProps {
  readonly values: readonly (number | null)[] | null;
  /** What it shows, in words. */
  readonly label: string;
  readonly tone?: ChartTone;
}

const HEIGHT = 32;

const options = (width: number, tone: ChartTone): uPlot.Options => {
  const stroke = toneColour(tone);
  return {
    width,
    height: HEIGHT,
    padding: [2, 0, 2, 0],
    cursor: { show: false },
    legend: { show: false },
    axes: [{ show: false }, { show: false }],
    scales: { x: { time: false }, y: { range: (_, __, max) => [0, max > 0 ? max * 1.1 : 1] } },
    series: [{}, { stroke, width: 1.25, fill: faded(stroke, 0.12), points: { show: false } }],
  };
};

/** Fewer points than this are not spread over the whole width. */
const LEAST = 24;

/** Without the time before the start: that would push what there is to the edge. */
const dataOf = (values: readonly (number | null)[]): uPlot.AlignedData => {
  const first = values.findIndex((value) => value !== null);
  const from = Math.max(0, Math.min(first < 0 ? 0 : first, values.length - LEAST));
  const shown = values.slice(from);
  return [shown.map((_, x) => x), [...shown]];
};

/** The last fifteen minutes at a glance. The same library as the big charts; it draws in well under a millisecond. */
export function Sparkline({ values, label, tone = 'accent' }: SparklineProps) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef(values);
  latest.current = values;
  const dark = isDark.value;
  // Another theme has other colours.
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const made = new uPlot(
      options(Math.max(20, element.clientWidth), tone),
      dataOf(latest.current ?? []),
      element,
    );
    plot.current = made;
    const observer = new ResizeObserver(() =>
      made.setSize({ width: Math.max(20, element.clientWidth), height: HEIGHT }),
    );
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [tone, dark]);
  useEffect(() => {
    plot.current?.setData(dataOf(values ?? []));
  }, [values]);
  return <div ref={box} class="sparkline" role="img" aria-label={label} />;
}
