import type { EventBus, Snapshot, Snapshotter } from '../../events/index.ts';
import { catalogEntries } from './catalog.ts';
import type { Format } from './expose/dialect.ts';
import type { Collection } from './expose/scrape.ts';
import type { FamilyCopy, ScalarCopy } from './family.ts';
import type { NodeMetrics } from './levels/node.ts';
import { readLevels } from './levels/read.ts';
import { slotTotals } from './levels/slots.ts';
import type { Collector, OwnMetrics } from './own.ts';
import type { ApplicationMetrics } from './record/application.ts';
import type { RecordedFamilies } from './record/recorded.ts';

/** What an exposition is put together from. */
export interface Parts {
  readonly recorded: RecordedFamilies;
  readonly application: ApplicationMetrics;
  readonly own: OwnMetrics;
  readonly node: NodeMetrics | undefined;
  readonly bus: EventBus;
  readonly snapshot: Snapshotter;
  readonly ready: (() => boolean) | undefined;
  readonly version: string;
  /** Told each snapshot before anything is copied. */
  readonly onSnapshot: (snapshot: Snapshot) => void;
}

/** Everything there is to expose, in the order of the catalogue, then the application's, then Node's. */
export class MetricsCollection implements Collection {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async prepare(): Promise<readonly FamilyCopy[]> {
    try {
      return (await this.#parts.node?.collect()) ?? [];
    } catch {
      this.#parts.own.collectFailed('node');
      return [];
    }
  }

  copy(format: Format, node: readonly FamilyCopy[]): readonly FamilyCopy[] {
    const { recorded, application } = this.#parts;
    const levels = this.#levels();
    const rich = format === 'openmetrics';
    // What is recorded comes after what is read: reading may fail, and that is recorded.
    const ours = catalogEntries.map(([name]) => levels.get(name) ?? recorded.copy(name, rich));
    return [...ours.filter((copy) => copy !== undefined), ...application.copies(), ...node];
  }

  #levels(): Map<string, ScalarCopy> {
    const { bus, snapshot, ready, version, onSnapshot } = this.#parts;
    const found = new Map<string, ScalarCopy>(readLevels('build', { version, nodeVersion: process.version }));
    const collect = (collector: Collector, read: () => [string, ScalarCopy][]) => {
      try {
        for (const [name, copy] of read()) found.set(name, copy);
      } catch {
        this.#parts.own.collectFailed(collector);
      }
    };
    collect('snapshot', () => {
      const levels = snapshot();
      onSnapshot(levels);
      return [...readLevels('snapshot', levels), ...readLevels('slots', slotTotals(levels))];
    });
    collect('bus', () =>
      readLevels('bus', { events: bus.counts(), consumers: bus.consumers(), malformed: bus.malformed }),
    );
    if (ready !== undefined) collect('ready', () => readLevels('ready', ready()));
    return found;
  }
}
