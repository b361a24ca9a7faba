import type { Snapshot } from '../../../events/index.ts';
import type { SlotTotals } from '../source.ts';

const GONE = 'gone';

/**
 * The counters of every slot, and those of the slots that are no more under `gone`: a counter that vanished with its slot would make every sum over
 * the slots fall, and `rate()` take that for a restart of the whole.
 */
export const slotTotals = ({ pools }: Snapshot): SlotTotals[] =>
  Object.values(pools).flatMap(({ name, workers, gone_slots: gone }) => {
    const rows = workers.map((worker) => ({
      pool_name: name,
      worker_slot: String(worker.slot),
      cpu_seconds: worker.slot_cpu_seconds_total,
      requests: worker.slot_requests_total,
      busy_seconds: worker.slot_busy_seconds_total,
      gc_collections: worker.slot_gc_collections_total ?? 0,
    }));
    if (gone === null) return rows;
    const {
      cpu_seconds_total: cpu_seconds,
      requests_total: requests,
      busy_seconds_total: busy_seconds,
      gc_collections_total: gc_collections = 0,
    } = gone;
    return [
      ...rows,
      { pool_name: name, worker_slot: GONE, cpu_seconds, requests, busy_seconds, gc_collections },
    ];
  });
