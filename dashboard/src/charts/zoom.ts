import { signal } from '@preact/signals';
import uPlot from 'uplot';

export interface Span {
  readonly from: number;
  readonly to: number;
}

/** Span that all charts show; null is all there is. */
export const zoom = signal<Span | null>(null);

/** The pointer is shown at the same moment in all charts. */
export const together = uPlot.sync('snakepit');

/** Spans that can be had without a pointer, minutes. */
export const spans = [1, 5, 15] as const;

/** Less than two steps cannot be looked at. */
const SHORTEST_MS = 10_000;

export const zoomTo = (from: number, to: number): void => {
  if (to - from >= SHORTEST_MS) zoom.value = { from, to };
};

export const resetZoom = (): void => {
  zoom.value = null;
};
