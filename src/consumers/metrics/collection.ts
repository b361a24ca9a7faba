import { performance } from 'node:perf_hooks';
import type { EventBus, Snapshot, Snapshotter } from '../../events/index.ts';
import { catalogEntries } from './catalog.ts';
import type { Format } from './expose/dialect.ts';
import type { Collection } from './expose/scrape.ts';
import type { FamilyCopy, ScalarCopy } from './family.ts';
import type { NodeMetrics } from './levels/node.ts';
import { readLevels } from './levels/read.ts';
import type { ForeignMetrics } from './levels/registry.ts';
import { slotTotals } from './levels/slots.ts';
import type { Collector, OwnMetrics } from './own.ts';
import type { ApplicationMetrics } from './record/application.ts';
import type { RecordedFamilies } from './record/recorded.ts';
import type { ConfigReload, Levels, LogReading } from './source.ts';

/** What an exposition is put together from. */
export interface Parts {
  readonly recorded: RecordedFamilies;
  readonly application: ApplicationMetrics;
  readonly own: OwnMetrics;
  readonly node: NodeMetrics | undefined;
  /** A registry of the application's. */
  readonly foreign: ForeignMetrics | undefined;
  /** `target_info`, where the environment says what this process is. */
  readonly target: ScalarCopy | undefined;
  readonly bus: EventBus;
  readonly snapshot: Snapshotter;
  readonly ready: (() => boolean) | undefined;
  readonly health: (() => Levels['health']) | undefined;
  readonly reload: (() => ConfigReload) | undefined;
  readonly canaryLeaks: (() => number) | undefined;
  readonly logs: (() => LogReading) | undefined;
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
    const { node, foreign } = this.#parts;
    const theirs = await this.#prepared('registry', foreign);
    const names = new Set(theirs.map(({ spec }) => spec.name));
    const nodes = await this.#prepared('node', node);
    // The application may have registered the default metrics meanwhile.
    return [...nodes.filter(({ spec }) => !names.has(spec.name)), ...theirs];
  }

  async #prepared(
    collector: Collector,
    from: { collect(): Promise<FamilyCopy[]> } | undefined,
  ): Promise<FamilyCopy[]> {
    try {
      return (await from?.collect()) ?? [];
    } catch {
      this.#parts.own.collectFailed(collector);
      return [];
    }
  }

  copy(format: Format, prepared: readonly FamilyCopy[]): readonly FamilyCopy[] {
    const target = prepared.some(({ spec }) => spec.name === 'target_info') ? undefined : this.#parts.target;
    return [...(target === undefined ? [] : [target]), ...this.classic(format), ...prepared];
  }

  /** What is ours and the application's. */
  classic(format: Format): readonly FamilyCopy[] {
    const { recorded, application } = this.#parts;
    const levels = this.#levels();
    const rich = format !== 'text';
    const native = format === 'protobuf';
    // What is recorded comes after what is read: reading may fail, and that is recorded.
    const ours = catalogEntries.map(([name]) => levels.get(name) ?? recorded.copy(name, rich, native));
    return [...ours.filter((copy) => copy !== undefined), ...application.copies(native)];
  }

  #levels(): Map<string, ScalarCopy> {
    const { bus, snapshot, ready, health, reload, canaryLeaks, logs, version, onSnapshot } = this.#parts;
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
    collect('event_loop', () => {
      const { active, idle } = performance.eventLoopUtilization();
      return readLevels('loop', { active: active / 1000, idle: idle / 1000 });
    });
    if (reload !== undefined) collect('reload', () => readLevels('reload', reload()));
    // A number that is kept; reading it cannot fail.
    if (canaryLeaks !== undefined)
      for (const [name, copy] of readLevels('canary', canaryLeaks())) found.set(name, copy);
    if (health !== undefined) collect('health', () => readLevels('health', health()));
    if (logs !== undefined) for (const [name, copy] of readLevels('logs', logs())) found.set(name, copy);
    if (ready !== undefined) collect('ready', () => readLevels('ready', ready()));
    return found;
  }
}
