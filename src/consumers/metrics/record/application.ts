import type { FamilyCopy, FamilySpec } from '../family.ts';
import { configuredFor, type Setting } from './family.ts';
import { HistogramFamily } from './histogram.ts';
import type { Names } from './names.ts';
import type { ConfiguredBuckets } from './recorded.ts';
import { ScalarFamily } from './scalar.ts';
import { familyOf, type MetricSpec } from './spec.ts';
import { SummaryFamily } from './summary.ts';

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
  'declaration',
  'lost',
] as const;
export type Rejection = (typeof rejections)[number];

type Family = ScalarFamily | HistogramFamily | SummaryFamily;
type Kind = MetricSpec['type'];

interface Init {
  readonly setting: Setting;
  readonly names: Names;
  readonly buckets: ConfiguredBuckets;
  readonly reject: (reason: Rejection) => void;
  /** Told of each family that is registered. */
  readonly onFamily?: (spec: FamilySpec) => void;
}

/** One series of an application's metric. Updating it looks nothing up and allocates nothing. */
export class BoundMetric {
  readonly #family: Family;
  readonly #kind: Kind;
  readonly #row: number;
  readonly #reject: Init['reject'];

  /** @internal */
  constructor(family: Family, row: number, reject: Init['reject']) {
    this.#family = family;
    this.#kind = family.spec.type as Kind;
    this.#row = row;
    this.#reject = reject;
  }

  /** Adds to a counter, sets a gauge, or observes a value of a histogram or summary. Never throws: what cannot be taken is counted. */
  update(value: number): void {
    const reason = faultOf(this.#family, this.#kind, value);
    if (reason === undefined) apply(this.#family, this.#kind, this.#row, value);
    else this.#reject(reason);
  }
}

/**
 * The application's own metrics. Registering throws; updating never does: what cannot be taken is counted, since a
 * metric must not change what the program does.
 */
export class ApplicationMetrics {
  readonly #init: Init;
  readonly #families = new Map<string, Family>();
  readonly #owners = new Map<ScalarFamily, Map<number, string>>();

  constructor(init: Init) {
    this.#init = init;
  }

  /** @throws TypeError on a spec that cannot be exposed, or a name that is taken */
  register(spec: MetricSpec): void {
    const { setting, names, buckets, onFamily } = this.#init;
    const checked = familyOf(spec, (family) => configuredFor(buckets, family));
    checkAllowed(checked, setting);
    names.claim(checked);
    const family = familyFor(checked, setting);
    // Without labels the one series is known, and counts from zero; a gauge has no value before it is set.
    if (checked.labels.length === 0 && checked.type !== 'gauge') family.row([]);
    this.#families.set(spec.name, family);
    onFamily?.(checked);
  }

  /** The description a metric was registered with, or undefined. */
  specOf(name: string): FamilySpec | undefined {
    return this.#families.get(name)?.spec;
  }

  /** @throws TypeError when there is no such metric, it has another type, or other labels */
  bind(type: Kind, name: string, labels: LabelValues): BoundMetric {
    const family = this.#families.get(name);
    if (family === undefined) throw new TypeError(`There is no metric '${name}'. Register it first.`);
    const { spec } = family;
    if (spec.type !== type) throw new TypeError(`Metric '${name}' is a ${spec.type}, not a ${type}.`);
    const row = rowOf(family, labels);
    if (row === undefined) {
      throw new TypeError(
        `Metric '${name}' needs a text, number or boolean for exactly: ${spec.labels.join(', ') || 'no label'}.`,
      );
    }
    return new BoundMetric(family, row, this.#init.reject);
  }

  /**
   * Counts, sets or observes, by the type the update is meant for. Never throws.
   *
   * @param owner - whose gauge it is: it is shown until {@link ApplicationMetrics.release}
   */
  update(type: Kind, name: string, labels: LabelValues, value: number, owner?: string): void {
    const reason = this.#update(type, name, labels, value, owner);
    if (reason !== undefined) this.#init.reject(reason);
  }

  /** The values of this moment, in the order the families were registered. */
  copies(withNative = false): FamilyCopy[] {
    return [...this.#families.values()].map((family) => family.copy(false, withNative));
  }

  /** Hides the gauges that this owner was the last to set: they say nothing any more. */
  release(owner: string): void {
    for (const [family, rows] of this.#owners) {
      for (const [row, last] of rows) {
        if (last !== owner) continue;
        family.hide(row);
        rows.delete(row);
      }
    }
  }

  #own(family: ScalarFamily, row: number, owner: string): void {
    const rows = this.#owners.get(family) ?? new Map<number, string>();
    this.#owners.set(family, rows.set(row, owner));
  }

  #update(
    type: Kind,
    name: string,
    labels: LabelValues,
    value: number,
    owner: string | undefined,
  ): Rejection | undefined {
    const family = this.#families.get(name);
    if (family === undefined) return 'unknown_metric';
    if (family.spec.type !== type) return 'wrong_type';
    const fault = faultOf(family, type, value);
    if (fault !== undefined) return fault;
    const row = rowOf(family, labels);
    if (row === undefined) return 'labels';
    apply(family, type, row, value);
    if (owner !== undefined && family instanceof ScalarFamily) this.#own(family, row, owner);
    return undefined;
  }
}

/** The row of these labels, made if it is new; undefined when they are not exactly those of the family, or cannot be read. */
const rowOf = (family: Family, labels: LabelValues): number | undefined => {
  try {
    const known = family.known(labels);
    if (known !== -1) return known;
    const values = valuesOf(family.spec.labels, labels);
    return values && family.row(values);
  } catch {
    // Null, or an object whose getters throw.
    return undefined;
  }
};

const familyFor = (spec: FamilySpec, setting: Setting): Family => {
  if (spec.type === 'histogram') return new HistogramFamily(spec, setting);
  if (spec.type === 'summary') return new SummaryFamily(spec, setting);
  return new ScalarFamily(spec, setting);
};

/** @throws TypeError when the configuration names values for a label the metric does not have */
export const checkAllowed = (spec: FamilySpec, { allowed }: Pick<Setting, 'allowed'>): void => {
  const stray = Object.keys(configuredFor(allowed, spec) ?? {}).find((label) => !spec.labels.includes(label));
  if (stray === undefined) return;
  throw new TypeError(
    `metrics.labels.${spec.name}.${stray}: the metric has no such label. Labels: ${spec.labels.join(', ') || 'none'}.`,
  );
};

/** Why a value cannot be taken. A gauge may well be NaN or infinite; a sum that once was either stays so. */
const faultOf = (family: Family, type: Kind, value: number): Rejection | undefined => {
  if (value >= 0 && value < Number.POSITIVE_INFINITY && typeof value === 'number') return undefined;
  if (typeof value !== 'number') return 'not_a_number';
  if (type === 'gauge') return undefined;
  if (Number.isNaN(value)) return 'not_a_number';
  if (!Number.isFinite(value)) return value < 0 ? 'negative' : 'not_finite';
  return family instanceof HistogramFamily && family.takes(value) ? undefined : 'negative';
};

const apply = (family: Family, type: Kind, row: number, value: number): void => {
  if (type === 'counter') (family as ScalarFamily).add(row, value);
  else if (type === 'gauge') (family as ScalarFamily).set(row, value);
  else (family as HistogramFamily | SummaryFamily).observe(row, value);
};

/** The values in the order of the names; undefined when they are not exactly those of the family. */
const valuesOf = (names: readonly string[], labels: LabelValues): string[] | undefined => {
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
};
