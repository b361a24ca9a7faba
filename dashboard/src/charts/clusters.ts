import type { Marker } from '../data/types.ts';

export interface Cluster {
  readonly x: number;
  /** The worst of those that stand so close that one sign is all there is room for. */
  readonly marker: Marker;
}

const weight: Readonly<Record<Marker['level'], number>> = { info: 0, warning: 1, error: 2 };

/** Where something happened, with room between the signs, so that they do not hide what they explain. */
export const clusters = (
  markers: readonly Marker[],
  placeOf: (at: number) => number,
  room: number,
): Cluster[] => {
  const found: Cluster[] = [];
  for (const marker of [...markers].sort((a, b) => a.at - b.at)) {
    const x = placeOf(marker.at);
    const last = found.at(-1);
    if (!last || x - last.x >= room) found.push({ x, marker });
    else if (weight[marker.level] > weight[last.marker.level])
      found[found.length - 1] = { x: last.x, marker };
  }
  return found;
};
