import type { FamilySpec } from '../family.ts';
import { openMetricsName } from './names.ts';

/** Buckets of a duration in seconds where none are given. */
export const DURATION_BUCKETS: readonly number[] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60];

/** A metric of the application. */
export interface MetricSpec {
  /** A counter only rises, a gauge goes where it is set, a histogram counts values by size. */
  readonly type: 'counter' | 'gauge' | 'histogram';
  /**
   * Letters, digits and `_`, not beginning with a digit. By convention it ends in its base unit (`_seconds`, `_bytes`).
   * A counter is exposed under a name that ends in `_total`, which is appended
   * where it is missing.
   */
  readonly name: string;
  /** What it counts, in a sentence. */
  readonly help: string;
  /** Names of its labels. Each combination of values is one series, so never an id. Default: none. */
  readonly labels?: readonly string[];
  /** Base unit, for OpenMetrics. The name must end in it (before `_total`). Default: none. */
  readonly unit?: string;
  /**
   * Upper bounds of a histogram, rising strictly; +Inf is implied. `metrics.buckets.<name>` of the configuration
   * replaces them. Default: 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60 (seconds).
   */
  readonly buckets?: readonly number[];
}

const NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const RESERVED_LABELS = new Set(['le', 'quantile']);
const TYPES: ReadonlySet<unknown> = new Set(['counter', 'gauge', 'histogram']);

const refuse = (subject: string, why: string): never => {
  throw new TypeError(`${subject} ${why}`);
};

const show = (value: unknown) => (typeof value === 'string' ? `'${value}'` : String(value));

/** @throws TypeError unless the bounds are finite and rise strictly */
const checkBuckets = (metric: string, buckets: readonly number[]): void => {
  if (!Array.isArray(buckets) || buckets.length === 0) {
    refuse(metric, 'needs buckets as a list of at least one number.');
  }
  buckets.forEach((bound, i) => {
    if (typeof bound !== 'number' || !Number.isFinite(bound)) {
      refuse(metric, `has the bucket ${show(bound)}: bounds are finite numbers; +Inf is always there.`);
    }
    if (i > 0 && bound <= (buckets[i - 1] as number)) {
      refuse(metric, `has the bucket ${bound} after ${buckets[i - 1]}: bounds must rise strictly.`);
    }
  });
};

const checkLabels = (metric: string, labels: readonly string[]): void => {
  if (!Array.isArray(labels)) refuse(metric, 'needs its labels as a list of names.');
  labels.forEach((label, i) => {
    if (typeof label !== 'string' || !NAME.test(label)) {
      refuse(
        metric,
        `has the label ${show(label)}: use letters, digits and '_', not beginning with a digit.`,
      );
    }
    if (label.startsWith('__') || RESERVED_LABELS.has(label)) {
      refuse(
        metric,
        `has the label '${label}': names beginning with '__', 'le' and 'quantile' are reserved.`,
      );
    }
    if (labels.indexOf(label) !== i) refuse(metric, `has the label '${label}' twice.`);
  });
};

/**
 * Checks what the application registers and fills in what it left out.
 *
 * @param configured - buckets of the configuration, which win over those of the spec
 * @throws TypeError naming what is wrong, what was got and what is allowed
 */
export const familyOf = (spec: MetricSpec, configured?: readonly number[]): FamilySpec => {
  const { type, name, help, labels = [], unit } = spec;
  if (typeof name !== 'string' || !NAME.test(name)) {
    refuse(
      `A metric's name is ${show(name)}:`,
      "use letters, digits and '_', not beginning with a digit (':' is for recording rules).",
    );
  }
  const metric = `Metric '${name}'`;
  if (!TYPES.has(type)) refuse(metric, `has the type ${show(type)}: use counter, gauge or histogram.`);
  if (typeof help !== 'string' || help.trim() === '') refuse(metric, 'needs a help text that is not empty.');
  if (type !== 'counter' && name.endsWith('_total')) {
    refuse(metric, `is a ${type}: only a counter's name may end in '_total'.`);
  }
  checkLabels(metric, labels);
  if (type !== 'histogram' && spec.buckets !== undefined) {
    refuse(metric, `is a ${type}: only a histogram has buckets.`);
  }
  const exposed = type === 'counter' && !name.endsWith('_total') ? `${name}_total` : name;
  if (openMetricsName({ type, name: exposed }) === '') refuse(metric, "has nothing before '_total'.");
  if (unit !== undefined && !openMetricsName({ type, name: exposed }).endsWith(`_${unit}`)) {
    refuse(metric, `has the unit ${show(unit)}: its name must end in '_${unit}' (before '_total').`);
  }
  const family = { type, name: exposed, help, labels: [...labels], ...(unit !== undefined && { unit }) };
  if (type !== 'histogram') return family;
  const buckets = configured ?? spec.buckets ?? DURATION_BUCKETS;
  checkBuckets(metric, buckets);
  return { ...family, buckets: [...buckets] };
};
