import type { Marker } from '../data/types.ts';
import { Empty } from '../ui/card.tsx';
import { href } from '../ui/route.ts';
import { Time } from '../ui/time.tsx';
import { glyphOf } from './marks.ts';

/** What the lines in the charts stand for, newest first. */
export function MarkerList({
  markers,
  limit = 8,
}: {
  readonly markers: readonly Marker[];
  readonly limit?: number;
}) {
  if (markers.length === 0)
    return <Empty title="Nothing happened in the last 15 minutes" hint="No restart, no crash, no change." />;
  const newest = [...markers].sort((a, b) => b.at - a.at).slice(0, limit);
  return (
    <ul class="marker-list">
      {newest.map((marker) => (
        <li key={`${marker.at}${marker.kind}${marker.worker_id}`} class={`level-${marker.level}`}>
          <span class="glyph" aria-hidden="true">
            {glyphOf(marker.kind)}
          </span>
          <span class="marker-kind">{marker.kind}</span>
          <span class="clip grow" title={marker.text}>
            {marker.worker_id ? (
              <a href={href('worker', { id: marker.worker_id })}>{marker.text}</a>
            ) : (
              marker.text
            )}
          </span>
          <Time at={marker.at} mode="both" />
        </li>
      ))}
    </ul>
  );
}
