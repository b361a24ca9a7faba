import type { Cell, Column } from '../show/table.ts';
import type { WorkerView } from './view.ts';

/** A column of a table of workers, with what stands in it. */
interface PlaceColumn {
  readonly column: Column;
  readonly cell: (worker: WorkerView) => Cell;
}

const PID: PlaceColumn = {
  column: { title: 'PID', right: true },
  cell: ({ pid }) => String(pid ?? '-'),
};

/** The port and the end of a path tell workers apart, if anything has to go. */
const ADDRESS: PlaceColumn = {
  column: { title: 'Address', flexible: 'start' },
  cell: ({ address }) => address ?? '-',
};

/** Where workers are. Those this host has started have a process id, those of somebody else an address. */
export const placeColumns = (workers: readonly WorkerView[]): readonly PlaceColumn[] => {
  const remote = workers.some(({ address }) => address != null);
  const local = !remote || workers.some(({ pid }) => pid != null);
  return [...(local ? [PID] : []), ...(remote ? [ADDRESS] : [])];
};
