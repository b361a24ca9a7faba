import type { Snapshot } from '../../../events/index.ts';
import type { SlotTotals } from '../source.ts';

const GONE = 'gone';

type Totals = Omit<SlotTotals, 'pool_name' | 'worker_slot'>;
const NONE: Totals = { cpu_seconds: 0, requests: 0, busy_seconds: 0 };

const sum = (a: Totals, b: Totals): Totals => ({
  cpu_seconds: a.cpu_seconds + b.cpu_seconds,
  requests: a.requests + b.requests,
  busy_seconds: a.busy_seconds + b.busy_seconds,
});
const fellBelow = (now: Totals, before: Totals) =>
  now.requests < before.requests ||
  now.cpu_seconds < before.cpu_seconds ||
  now.busy_seconds < before.busy_seconds;

/**
 * Remembers what each slot had counted. A slot that is no more, or begins again at zero, leaves its totals to `gone`: a
 * counter that vanished with its slot would make every sum over the
 * slots fall, and `rate()` take that for a restart of the whole.
 */
export class SlotLedger {
  readonly #pools = new Map<string, { slots: Map<number, Totals>; gone: Totals | undefined }>();

  /** Takes the totals of a snapshot in and gives those of all slots, present and gone. */
  update({ pools }: Snapshot): SlotTotals[] {
    for (const { name, workers } of Object.values(pools)) {
      const entry = this.#pools.get(name) ?? { slots: new Map<number, Totals>(), gone: undefined };
      this.#pools.set(name, entry);
      const present = new Map<number, Totals>();
      for (const worker of workers) {
        present.set(worker.slot, {
          cpu_seconds: worker.slot_cpu_seconds_total,
          requests: worker.slot_requests_total,
          busy_seconds: worker.slot_busy_seconds_total,
        });
      }
      for (const [slot, before] of entry.slots) {
        const now = present.get(slot);
        if (now === undefined || fellBelow(now, before)) entry.gone = sum(entry.gone ?? NONE, before);
      }
      entry.slots = present;
    }
    return this.#rows();
  }

  #rows(): SlotTotals[] {
    const rows: SlotTotals[] = [];
    for (const [pool_name, { slots, gone }] of this.#pools) {
      for (const [slot, totals] of slots) rows.push({ pool_name, worker_slot: String(slot), ...totals });
      if (gone !== undefined) rows.push({ pool_name, worker_slot: GONE, ...gone });
    }
    return rows;
  }
}
