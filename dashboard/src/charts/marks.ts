import type uPlot from 'uplot';
import type { Marker } from '../data/types.ts';
import { clusters } from './clusters.ts';
import { type ChartTone, faded, toneColour } from './colours.ts';

/** A sign for each kind, so that its colour is not all that tells it. The list below a chart shows the same. */
export const glyphs: Readonly<Record<string, string>> = {
  crash: '✕',
  restart: '▲',
  recycle: '△',
  config: '■',
  status: '◆',
  drain: '▼',
  start: '●',
};

export const glyphOf = (kind: string): string => glyphs[kind] ?? '○';

const tones: Readonly<Record<Marker['level'], ChartTone>> = {
  info: 'muted',
  warning: 'warning',
  error: 'error',
};

/** Signs keep that far apart, CSS pixels. */
const ROOM = 12;

/** Vertical lines where something happened. */
export const markersPlugin = (markers: () => readonly Marker[]): uPlot.Plugin => ({
  hooks: {
    draw: (plot) => {
      const { ctx, bbox } = plot;
      ctx.save();
      ctx.font = `${10 * devicePixelRatio}px system-ui, sans-serif`;
      ctx.textAlign = 'center';
      ctx.textBaseline = 'top';
      ctx.setLineDash([2 * devicePixelRatio, 3 * devicePixelRatio]);
      const signs = clusters(
        markers(),
        (at) => Math.round(plot.valToPos(at, 'x', true)),
        ROOM * devicePixelRatio,
      );
      for (const { x, marker } of signs) {
        if (x < bbox.left || x > bbox.left + bbox.width) continue;
        const stroke = toneColour(tones[marker.level]);
        ctx.strokeStyle = faded(stroke, 0.4);
        ctx.fillStyle = stroke;
        ctx.beginPath();
        ctx.moveTo(x, bbox.top + 12 * devicePixelRatio);
        ctx.lineTo(x, bbox.top + bbox.height);
        ctx.stroke();
        ctx.fillText(glyphOf(marker.kind), x, bbox.top);
      }
      ctx.restore();
    },
  },
});

export interface Threshold {
  readonly value: number;
  readonly tone: 'warning' | 'error';
  readonly label: string;
}

/** Horizontal lines that a series should not cross. */
export const thresholdsPlugin = (thresholds: () => readonly Threshold[]): uPlot.Plugin => ({
  hooks: {
    draw: (plot) => {
      const { ctx, bbox } = plot;
      ctx.save();
      ctx.font = `${10 * devicePixelRatio}px system-ui, sans-serif`;
      ctx.textAlign = 'left';
      ctx.textBaseline = 'bottom';
      for (const { value, tone, label } of thresholds()) {
        const y = Math.round(plot.valToPos(value, 'y', true));
        if (y < bbox.top || y > bbox.top + bbox.height) continue;
        ctx.setLineDash(tone === 'error' ? [] : [6 * devicePixelRatio, 4 * devicePixelRatio]);
        ctx.strokeStyle = toneColour(tone);
        ctx.fillStyle = ctx.strokeStyle;
        ctx.beginPath();
        ctx.moveTo(bbox.left, y);
        ctx.lineTo(bbox.left + bbox.width, y);
        ctx.stroke();
        ctx.fillText(label, bbox.left + 4, y - 2);
      }
      ctx.restore();
    },
  },
});
