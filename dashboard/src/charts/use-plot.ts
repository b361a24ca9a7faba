import type { RefObject } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { isDark } from '../ui/theme.ts';
import { showLatest } from './options.ts';
import { zoom } from './zoom.ts';

/**
 * A chart in an element: made anew where theme or `shape` change, given new data otherwise, as wide as the element.
 */
export const usePlot = (
  make: (width: number) => uPlot.Options,
  data: uPlot.AlignedData,
  shape: string,
): { box: RefObject<HTMLDivElement | null>; plot: RefObject<uPlot | null> } => {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(null);
  const latest = useRef(data);
  latest.current = data;
  const dark = isDark.value;
  const span = zoom.value;
  // Colours come from the theme, the rest is in the shape.
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const made = new uPlot(make(Math.max(80, element.clientWidth)), latest.current, element);
    plot.current = made;
    showLatest(made);
    const observer = new ResizeObserver(() => {
      const width = Math.max(80, element.clientWidth);
      if (width !== made.width) made.setSize({ width, height: made.height });
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [shape, dark]);
  // The span is read by the scale when data are set.
  useEffect(() => {
    plot.current?.setData(data);
    if (plot.current) showLatest(plot.current);
  }, [data, span]);
  return { box, plot };
};
