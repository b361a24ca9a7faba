import { SnakepitError } from '../../../errors/index.ts';
import { catalogEntries, type MetricName, type NameOf, specOf } from '../catalog.ts';
import type { FamilyCopy } from '../family.ts';
import type { Setting } from './family.ts';
import { HistogramFamily } from './histogram.ts';
import { ScalarFamily } from './scalar.ts';

/** Buckets of the configuration, by metric name. */
export type ConfiguredBuckets = Readonly<Record<string, readonly number[]>>;

/** The families of the catalogue whose values are counted as things happen. */
export class RecordedFamilies {
  readonly #families = new Map<MetricName, ScalarFamily | HistogramFamily>();

  /** @throws SnakepitError `invalid_configuration` when buckets are configured for a name of ours that is no histogram */
  constructor(limited: Setting, buckets: ConfiguredBuckets) {
    // What the consumer says about itself is a short list of ours, and is how one learns of the limit.
    const unlimited = { ...limited, maxSeries: Number.POSITIVE_INFINITY };
    for (const [name, { type, from, exemplars }] of catalogEntries) {
      if (from.kind === 'level') continue;
      const setting = from.kind === 'own' ? unlimited : limited;
      const spec = specOf(name);
      const configured = Object.hasOwn(buckets, name) ? buckets[name] : undefined;
      this.#families.set(
        name,
        type === 'histogram'
          ? new HistogramFamily({ ...spec, ...(configured && { buckets: configured }) }, setting, exemplars)
          : new ScalarFamily(spec, setting, exemplars),
      );
    }
    this.#refuseStrayBuckets(Object.keys(buckets));
  }

  counter(name: NameOf<'counter'>): ScalarFamily {
    return this.#families.get(name) as ScalarFamily;
  }

  histogram(name: NameOf<'histogram'>): HistogramFamily {
    return this.#families.get(name) as HistogramFamily;
  }

  /** The values of a family at this moment, or undefined if it is not counted here. */
  copy(name: MetricName, withExemplars: boolean, withNative: boolean): FamilyCopy | undefined {
    return this.#families.get(name)?.copy(withExemplars, withNative);
  }

  /** Names beyond ours may belong to histograms the application has yet to register; a misspelt one of ours would be ignored in silence. */
  #refuseStrayBuckets(configured: readonly string[]): void {
    const histograms = catalogEntries.filter(([, { type }]) => type === 'histogram').map(([name]) => name);
    const stray = configured.find(
      (name) => name.startsWith('snakepit_') && !histograms.some((known) => known === name),
    );
    if (stray === undefined) return;
    throw new SnakepitError(
      'invalid_configuration',
      `metrics.buckets.${stray}: there is no such histogram. Histograms: ${histograms.join(', ')}.`,
    );
  }
}
