import type { FamilySpec } from '../family.ts';
import { openMetricsName } from './names.ts';
import { QUANTILES, WINDOW_MS } from './summary.ts';

/** Buckets of a duration in seconds where none are given. */
export const DURATION_BUCKETS: readonly number[] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60];

/** A metric of the application. */
export interface MetricSpec {
  /**
   * A counter only rises, a gauge goes where it is set, a histogram counts values by size, a summary estimates quantiles of the last minutes. Quantiles of several processes cannot be
   * added up: where that matters, take a histogram.
   */
  readonly type: 'counter' | 'gauge' | 'histogram' | 'summary';
  /**
   * Letters, digits and `_`, not beginning with a digit nor with `snakepit_`, which is ours. By convention it ends in its base unit (`_seconds`, `_bytes`).
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
  /** Quantiles of a summary, from 0 to 1, rising strictly. Default: 0.5, 0.9, 0.95, 0.99. Each is at most 1 % of its value off. */
  readonly quantiles?: readonly number[];
  /** How far back the quantiles of a summary look; count and sum are of all time. Milliseconds, default 600000. */
  readonly windowMs?: number;
  /**
   * How the values of a gauge become one where `metrics.group` exposes several processes or threads together: added up, the greatest, the least, or any one of them.
   * Default: `sum`.
   */
  readonly aggregate?: 'sum' | 'max' | 'min' | 'first';
}

const NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const RESERVED_LABELS = new Set(['le', 'quantile']);
const TYPES: ReadonlySet<unknown> = new Set(['counter', 'gauge', 'histogram', 'summary']);
const AGGREGATES: ReadonlySet<unknown> = new Set(['sum', 'max', 'min', 'first']);
const PREFIX = 'snakepit_';

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

/** @throws TypeError unless the quantiles rise strictly from 0 to 1 and the window is a time */
const windowOf = (metric: string, { quantiles = QUANTILES, windowMs = WINDOW_MS }: MetricSpec) => {
  if (!Array.isArray(quantiles)) refuse(metric, 'needs its quantiles as a list of numbers.');
  quantiles.forEach((q, i) => {
    if (typeof q !== 'number' || !(q >= 0 && q <= 1))
      refuse(metric, `has the quantile ${show(q)}: use 0 to 1.`);
    if (i > 0 && q <= (quantiles[i - 1] as number)) {
      refuse(metric, `has the quantile ${q} after ${quantiles[i - 1]}: quantiles must rise strictly.`);
    }
  });
  if (typeof windowMs !== 'number' || !(windowMs >= 1000 && windowMs <= 86_400_000)) {
    refuse(metric, `has a windowMs of ${show(windowMs)}: use milliseconds, from 1000 to 86400000.`);
  }
  return { quantiles: [...quantiles], windowMs };
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
 * @param configured - finds the buckets of the configuration, which win over those of the spec
 * @throws TypeError naming what is wrong, what was got and what is allowed
 */
export const familyOf = (
  spec: MetricSpec,
  configured: (family: FamilySpec) => readonly number[] | undefined = () => undefined,
): FamilySpec => {
  const { type, name, help, labels = [], unit } = spec;
  if (typeof name !== 'string' || !NAME.test(name)) {
    refuse(
      `A metric's name is ${show(name)}:`,
      "use letters, digits and '_', not beginning with a digit (':' is for recording rules).",
    );
  }
  const metric = `Metric '${name}'`;
  if (name.startsWith(PREFIX))
    refuse(metric, `begins with '${PREFIX}', which is for Snakepit's own. Choose another prefix.`);
  if (!TYPES.has(type))
    refuse(metric, `has the type ${show(type)}: use counter, gauge, histogram or summary.`);
  if (typeof help !== 'string' || help.trim() === '') refuse(metric, 'needs a help text that is not empty.');
  if (type !== 'counter' && name.endsWith('_total')) {
    refuse(metric, `is a ${type}: only a counter's name may end in '_total'.`);
  }
  checkLabels(metric, labels);
  if (type !== 'histogram' && spec.buckets !== undefined) {
    refuse(metric, `is a ${type}: only a histogram has buckets.`);
  }
  if (spec.aggregate !== undefined && (type !== 'gauge' || !AGGREGATES.has(spec.aggregate))) {
    refuse(
      metric,
      `is a ${type} with the aggregate ${show(spec.aggregate)}: only a gauge has one: sum, max, min or first.`,
    );
  }
  if (type !== 'summary' && (spec.quantiles !== undefined || spec.windowMs !== undefined)) {
    refuse(metric, `is a ${type}: only a summary has quantiles and a windowMs.`);
  }
  const exposed = type === 'counter' && !name.endsWith('_total') ? `${name}_total` : name;
  if (openMetricsName({ type, name: exposed }) === '') refuse(metric, "has nothing before '_total'.");
  if (unit !== undefined && !openMetricsName({ type, name: exposed }).endsWith(`_${unit}`)) {
    refuse(metric, `has the unit ${show(unit)}: its name must end in '_${unit}' (before '_total').`);
  }
  const { aggregate } = spec;
  const family = {
    type,
    name: exposed,
    help,
    labels: [...labels],
    ...(unit !== undefined && { unit }),
    ...(aggregate !== undefined && { aggregate }),
  };
  if (type === 'summary') return { ...family, ...windowOf(metric, spec) };
  if (type !== 'histogram') return family;
  const buckets = configured(family) ?? spec.buckets ?? DURATION_BUCKETS;
  checkBuckets(metric, buckets);
  return { ...family, buckets: [...buckets] };
};
