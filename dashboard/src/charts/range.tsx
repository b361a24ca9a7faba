import { clock } from '../data/store.ts';
import { clockTime } from '../ui/format.ts';
import { resetZoom, spans, zoom, zoomTo } from './zoom.ts';

/** Chooses the span that the charts show: what dragging does, for the keyboard. */
export function RangeButtons() {
  const span = zoom.value;
  const choose = (minutes: number) => {
    if (minutes === 15) resetZoom();
    else zoomTo(clock.value - minutes * 60_000, clock.value);
  };
  return (
    <fieldset class="row range">
      <legend class="visually-hidden">Span of the charts</legend>
      {span && (
        <span class="muted num range-said">
          {clockTime(span.from)} to {clockTime(span.to)}
        </span>
      )}
      {spans.map((minutes) => (
        <button key={minutes} type="button" class="button" onClick={() => choose(minutes)}>
          {minutes} min
        </button>
      ))}
      <button
        type="button"
        class="button"
        disabled={span === null}
        onClick={resetZoom}
        title="Escape, or a double click on a chart"
      >
        Reset
      </button>
    </fieldset>
  );
}
