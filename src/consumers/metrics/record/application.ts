import type { FamilyCopy } from '../family.ts';
import type { Setting } from './family.ts';
import { HistogramFamily } from './histogram.ts';
import type { Names } from './names.ts';
import type { ConfiguredBuckets } from './recorded.ts';
import { ScalarFamily } from './scalar.ts';
import { familyOf, type MetricSpec } from './spec.ts';

/** Label values as the application gives them, by label name; their order does not matter. */
export type LabelValues = Readonly<Record<string, string | number | boolean>>;

/** Why an update was not taken; the label `reason` of `snakepit_metrics_rejected_total`. */
export const rejections = [
  'unknown_metric',
  'wrong_type',
  'labels',
  'not_a_number',
  'not_finite',
  'negative',
  'malformed_event',
] as const;
export type Rejection = (typeof rejections)[number];

interface Init {
  readonly setting: Setting;
  readonly names: Names;
  readonly buckets: ConfiguredBuckets;
  readonly reject: (reason: Rejection) => void;
}

/**
 * The application's own metrics. Registering throws; updating never does: what cannot be taken is counted, since a
 * metric must not change what the program does.
 */
export class ApplicationMetrics {
  readonly #init: Init;
  readonly #families = new Map<string, ScalarFamily | HistogramFamily>();

  constructor(init: Init) {
    this.#init = init;
  }

  /** @throws TypeError on a spec that cannot be exposed, or a name that is taken */
  register(spec: MetricSpec): void {
    const { setting, names, buckets } = this.#init;
    const checked = familyOf(spec, Object.hasOwn(buckets, spec.name) ? buckets[spec.name] : undefined);
    names.claim(checked);
    const family =
      checked.type === 'histogram'
        ? new HistogramFamily(checked, setting)
        : new ScalarFamily(checked, setting);
    // Without labels the one series is known, and counts from zero; a gauge has no value before it is set.
    if (checked.labels.length === 0 && checked.type !== 'gauge') family.row([]);
    this.#families.set(spec.name, family);
  }

  /** Counts, sets or observes, by the type the update is meant for. Never throws. */
  update(type: MetricSpec['type'], name: string, labels: LabelValues, value: number): void {
    const reason = this.#update(type, name, labels, value);
    if (reason !== undefined) this.#init.reject(reason);
  }

  /** The values of this moment, in the order the families were registered. */
  copies(): FamilyCopy[] {
    return [...this.#families.values()].map((family) => family.copy(false));
  }

  #update(type: MetricSpec['type'], name: string, labels: LabelValues, value: number): Rejection | undefined {
    const family = this.#families.get(name);
    if (family === undefined) return 'unknown_metric';
    if (family.spec.type !== type) return 'wrong_type';
    // A gauge may well be NaN or infinite; a sum that once was either stays so.
    if (typeof value !== 'number' || (type !== 'gauge' && Number.isNaN(value))) return 'not_a_number';
    if (type !== 'gauge' && !Number.isFinite(value)) return value < 0 ? 'negative' : 'not_finite';
    if (family instanceof HistogramFamily ? !family.takes(value) : type === 'counter' && value < 0) {
      return 'negative';
    }
    const values = valuesOf(family.spec.labels, labels);
    if (values === undefined) return 'labels';
    const row = family.row(values);
    if (family instanceof HistogramFamily) family.observe(row, value);
    else if (type === 'counter') family.add(row, value);
    else family.set(row, value);
    return undefined;
  }
}

/** The values in the order of the names; undefined when they are not exactly those of the family, or cannot be read. */
const valuesOf = (names: readonly string[], labels: LabelValues): string[] | undefined => {
  try {
    if (Object.keys(labels).length !== names.length) return undefined;
    const values: string[] = [];
    for (const name of names) {
      // A label may be called `constructor`, which every object seems to have.
      const value: unknown = Object.hasOwn(labels, name) ? labels[name] : undefined;
      if (typeof value === 'string') values.push(value);
      else if (typeof value === 'number' || typeof value === 'boolean') values.push(String(value));
      else return undefined;
    }
    return values;
  } catch {
    // Null, or an object whose getters throw.
    return undefined;
  }
};
