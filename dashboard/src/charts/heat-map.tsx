import { useMemo, useRef, useState } from 'preact/hooks';
import type uPlot from 'uplot';
import { times } from '../data/advance.ts';
import type { History } from '../data/types.ts';
import { clockTime, count, ms } from '../ui/format.ts';
import { isDark } from '../ui/theme.ts';
import { AsTable } from './chart.tsx';
import { binOf, heatPlugin, highOf, lowOf, mostOf, rampColour, usedBins } from './heat.ts';
import { markersPlugin } from './marks.ts';
import { axes, cursor, onSelect, xRange } from './options.ts';
import { usePlot } from './use-plot.ts';

const HEIGHT = 260;

/** What is under the pointer, in words. Charts in step with this one have it say the moment at least. */
const said = (plot: uPlot, history: History): string => {
  const { left = -1, top = -1 } = plot.cursor;
  if (left < 0) return '';
  const index = Math.floor((plot.posToVal(left, 'x') - history.from) / history.step_ms);
  const at = clockTime(history.from + index * history.step_ms);
  const bins = history.heat.counts[index];
  if (!bins) return `${at} · nothing timed`;
  if (top < 0) return `${at} · ${count(bins.reduce((sum, n) => sum + n, 0))} requests`;
  const bin = binOf(history.heat, plot.posToVal(top, 'y'));
  const low = bin === 0 ? '0 ms' : ms(lowOf(history.heat, bin));
  return `${at} · ${low} to ${ms(highOf(history.heat, bin))} · ${count(bins[bin] ?? 0)} requests`;
};

function Scale({ most, dark }: { readonly most: number; readonly dark: boolean }) {
  return (
    <span
      class="row heat-scale"
      role="img"
      aria-label={`Colour scale: faint is 1 request, strong is ${count(most)}`}
    >
      <span>1</span>
      {Array.from({ length: 12 }, (_, step) => (
        <span key={step} class="heat-cell" style={{ background: rampColour(step / 11, dark) }} />
      ))}
      <span>{count(most)} in a cell</span>
    </span>
  );
}

function HeatTable({ history }: { readonly history: History }) {
  const { heat } = history;
  const [first, last] = usedBins(heat);
  const sum = (bin: number) => heat.counts.reduce((total, each) => total + (each?.[bin] ?? 0), 0);
  const bins = Array.from({ length: last - first + 1 }, (_, step) => first + step);
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Time taken</th>
          <th scope="col" class="num">
            Requests in 15 minutes
          </th>
        </tr>
      </thead>
      <tbody>
        {bins.map((bin) => (
          <tr key={bin}>
            <td>
              {bin === 0 ? '0 ms' : ms(lowOf(heat, bin))} to {ms(highOf(heat, bin))}
            </td>
            <td class="num">{count(sum(bin))}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** How long requests took over time: the stronger a cell, the more of them took that long then. */
export function HeatMap({ history, title }: { readonly history: History; readonly title: string }) {
  const [words, say] = useState('');
  const latest = useRef(history);
  latest.current = history;
  const dark = isDark.value;
  const x = useMemo(() => times(history), [history]);
  const data = useMemo<uPlot.AlignedData>(() => [x, x.map(() => null)], [x]);
  const make = (width: number): uPlot.Options => ({
    width,
    height: HEIGHT,
    ms: 1,
    padding: [8, 8, 0, 0],
    cursor: { ...cursor(), points: { show: false } },
    legend: { show: false },
    plugins: [heatPlugin(() => latest.current, dark), markersPlugin(() => latest.current.markers)],
    hooks: { setSelect: [onSelect], setCursor: [(plot) => say(said(plot, latest.current))] },
    scales: {
      x: { time: true, range: xRange },
      y: {
        distr: 3,
        log: 2,
        range: () => {
          const [first, last] = usedBins(latest.current.heat);
          return [lowOf(latest.current.heat, first), highOf(latest.current.heat, last)];
        },
      },
    },
    axes: axes((value) => ms(value)),
    series: [{}, { scale: 'y', points: { show: false } }],
  });
  const { box } = usePlot(make, data, 'heat');
  return (
    <figure class="chart">
      <figcaption class="row between">
        <span class="chart-title">{title}</span>
        <code class="clip muted" title="The same as the metric snakepit_request_duration_seconds">
          snakepit_request_duration_seconds
        </code>
      </figcaption>
      <div ref={box} class="plot stale-able" style={{ minHeight: `${HEIGHT}px` }} />
      <div class="row between heat-foot muted">
        <span class="heat-words">{words || 'Point at a cell to read it'}</span>
        <Scale most={mostOf(history.heat)} dark={dark} />
      </div>
      <AsTable>{() => <HeatTable history={history} />}</AsTable>
    </figure>
  );
}
