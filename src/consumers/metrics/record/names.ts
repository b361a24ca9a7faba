import type { FamilySpec } from '../family.ts';

const without = (name: string, suffix: string) =>
  name.endsWith(suffix) ? name.slice(0, -suffix.length) : name;

/** The name of the metric family in OpenMetrics, which leaves the suffixes `_total` and `_info` to the samples. */
export const openMetricsName = ({ type, name }: Pick<FamilySpec, 'type' | 'name'>): string => {
  if (type === 'counter') return without(name, '_total');
  return type === 'info' ? without(name, '_info') : name;
};

const suffixes = {
  counter: ['', '_total', '_created'],
  gauge: [''],
  histogram: ['', '_bucket', '_sum', '_count', '_created'],
  summary: ['', '_sum', '_count', '_created'],
  info: ['', '_info'],
} as const;

/**
 * Which names are taken. A family takes those of all its samples in both formats: a gauge `x_count` beside a histogram
 * `x` would read as a part of it.
 */
export class Names {
  readonly #owners: Map<string, string>;

  constructor(owners: ReadonlyMap<string, string> = new Map()) {
    this.#owners = new Map(owners);
  }

  /** The same names, to try more with. */
  copy(): Names {
    return new Names(this.#owners);
  }

  /** @throws TypeError when one of the names belongs to another family; none is taken then */
  claim(spec: Pick<FamilySpec, 'type' | 'name'>): void {
    const wanted = suffixes[spec.type].map((suffix) => openMetricsName(spec) + suffix);
    for (const name of wanted) {
      const owner = this.#owners.get(name);
      if (owner === spec.name) throw new TypeError(`Metric '${spec.name}' is registered already.`);
      if (owner !== undefined) {
        throw new TypeError(
          `Metric '${spec.name}' would expose the name '${name}', which belongs to the metric '${owner}'. Choose another name.`,
        );
      }
    }
    for (const name of wanted) this.#owners.set(name, spec.name);
  }
}
