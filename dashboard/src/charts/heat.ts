import type uPlot from 'uplot';
import type { History } from '../data/types.ts';

type Rgb = readonly [number, number, number];
/** One hue, from faint to strong: what differs is lightness, which everybody sees. */
const ramps: Readonly<Record<'light' | 'dark', readonly Rgb[]>> = {
  light: [
    [219, 230, 250],
    [98, 138, 226],
    [20, 32, 96],
  ],
  dark: [
    [33, 46, 84],
    [82, 128, 242],
    [232, 242, 255],
  ],
};

/** Colour of a share, 0 to 1. */
export const rampColour = (share: number, dark: boolean): string => {
  const stops = ramps[dark ? 'dark' : 'light'];
  const place = Math.min(1, Math.max(0, share)) * (stops.length - 1);
  const index = Math.min(stops.length - 2, Math.floor(place));
  const [low, high] = [stops[index], stops[index + 1]];
  if (!low || !high) return 'transparent';
  return `rgb(${low.map((from, at) => Math.round(from + ((high[at] ?? from) - from) * (place - index))).join(',')})`;
};

/** Counts differ by orders of magnitude: their logarithm is what is shown. */
export const shareOf = (n: number, most: number): number =>
  most <= 1 ? 1 : Math.log1p(n) / Math.log1p(most);

type Heat = History['heat'];

export const mostOf = ({ counts }: Heat): number => Math.max(0, ...counts.flatMap((each) => each ?? []));

/** Lower bound of a bin on a logarithmic axis, where there is no zero. */
export const lowOf = ({ bounds_ms }: Heat, bin: number): number =>
  bin === 0 ? (bounds_ms[1] ?? 1) / 2 : (bounds_ms[bin] ?? 1);

export const highOf = (heat: Heat, bin: number): number => heat.bounds_ms[bin + 1] ?? lowOf(heat, bin) * 2;

/** First and last bin that anything is in. */
export const usedBins = ({ counts, bounds_ms }: Heat): [number, number] => {
  const used = bounds_ms.map((_, bin) => bin).filter((bin) => counts.some((each) => (each?.[bin] ?? 0) > 0));
  return [used[0] ?? 0, used.at(-1) ?? Math.max(0, bounds_ms.length - 1)];
};

/** The bin that a duration falls in. */
export const binOf = ({ bounds_ms }: Heat, ms: number): number => {
  const above = bounds_ms.findIndex((bound) => bound > ms);
  return above === -1 ? bounds_ms.length - 1 : Math.max(0, above - 1);
};

/** Draws the cells where lines would be drawn otherwise. */
export const heatPlugin = (history: () => History, dark: boolean): uPlot.Plugin => ({
  hooks: {
    draw: (plot) => {
      const { heat, from, step_ms } = history();
      const { ctx, bbox } = plot;
      const most = mostOf(heat);
      ctx.save();
      ctx.beginPath();
      ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
      ctx.clip();
      heat.counts.forEach((bins, index) => {
        const left = Math.round(plot.valToPos(from + index * step_ms, 'x', true));
        const right = Math.round(plot.valToPos(from + (index + 1) * step_ms, 'x', true));
        bins?.forEach((n, bin) => {
          if (n === 0) return;
          const bottom = Math.round(plot.valToPos(lowOf(heat, bin), 'y', true));
          const top = Math.round(plot.valToPos(highOf(heat, bin), 'y', true));
          ctx.fillStyle = rampColour(shareOf(n, most), dark);
          ctx.fillRect(left, top, Math.max(1, right - left), Math.max(1, bottom - top));
        });
      });
      ctx.restore();
    },
  },
});
