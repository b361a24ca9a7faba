import type uPlot from 'uplot';
import type { Marker } from '../data/types.ts';
import { clusters } from './clusters.ts';
import { type ChartTone, colour, faded, toneColour } from './colours.ts';
import type { Limit } from './limits.ts';

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

/** A text that can be read on whatever is drawn behind it. */
const writeOver = (ctx: CanvasRenderingContext2D, text: string, x: number, y: number): void => {
  const { strokeStyle, lineWidth } = ctx;
  ctx.setLineDash([]);
  ctx.strokeStyle = colour('--surface');
  ctx.lineWidth = 4 * devicePixelRatio;
  ctx.lineJoin = 'round';
  ctx.strokeText(text, x, y);
  ctx.fillText(text, x, y);
  Object.assign(ctx, { strokeStyle, lineWidth });
};

/** Height of a label, CSS pixels. */
const LABEL = 14;

/** Horizontal lines that a series should not cross. The labels are at either end, so that two lines may be close. */
export const limitsPlugin = (limits: () => readonly Limit[]): uPlot.Plugin => ({
  hooks: {
    draw: (plot) => {
      const { ctx, bbox } = plot;
      const px = devicePixelRatio;
      ctx.save();
      ctx.font = `${10 * px}px system-ui, sans-serif`;
      for (const { value, tone, label } of limits()) {
        const y = Math.round(plot.valToPos(value, 'y', true));
        if (y < bbox.top || y > bbox.top + bbox.height) continue;
        ctx.setLineDash(tone === 'error' ? [] : [6 * px, 4 * px]);
        ctx.lineWidth = px;
        ctx.strokeStyle = toneColour(tone);
        ctx.fillStyle = ctx.strokeStyle;
        ctx.beginPath();
        ctx.moveTo(bbox.left, y);
        ctx.lineTo(bbox.left + bbox.width, y);
        ctx.stroke();
        const isLeft = tone === 'warning';
        ctx.textAlign = isLeft ? 'left' : 'right';
        // The signs of what happened are at the top.
        const isHigh = y - LABEL * px < bbox.top + ROOM * px;
        ctx.textBaseline = isHigh ? 'top' : 'bottom';
        const x = isLeft ? bbox.left + 4 * px : bbox.left + bbox.width - 4 * px;
        writeOver(ctx, label, x, isHigh ? y + 3 * px : y - 2 * px);
      }
      ctx.restore();
    },
  },
});
