import type { Registry } from 'prom-client';
import { eachLabel } from '../expose/escape.ts';
import { textOf } from '../expose/render.ts';
import { type FamilyCopy, type FamilySpec, strideOf } from '../family.ts';

/** What is needed of a prom-client registry to offer it metrics: any version that has these will do. */
export interface PromRegistryLike {
  registerMetric(metric: never): void;
  removeSingleMetric(name: string): void;
  getSingleMetric(name: string): unknown;
}

type Sample = {
  readonly labels: Record<string, string | number>;
  readonly value: number;
  readonly metricName?: string;
};

/** What prom-client calls `info` is a gauge. */
const typeOf = ({ type }: FamilySpec) => (type === 'info' ? 'gauge' : type);

const labelsOf = (copy: FamilyCopy, row: number): Record<string, string> => {
  const labels: Record<string, string> = Object.create(null);
  eachLabel(textOf(copy, row), (name, value) => {
    labels[name] = value;
  });
  return labels;
};

const samplesOf = (copy: FamilyCopy): Sample[] => {
  const samples: Sample[] = [];
  const { name } = copy.spec;
  for (let row = 0; row < copy.rows; row++) {
    if (copy.hidden?.has(row)) continue;
    const labels = labelsOf(copy, row);
    if (copy.kind === 'scalar') samples.push({ labels, value: copy.values[row] as number });
    else if (copy.kind === 'summary') {
      const values = copy.quantilesOf(row);
      copy.quantiles.forEach((quantile, i) => {
        samples.push({ labels: { ...labels, quantile }, value: values[i] as number });
      });
      samples.push({ labels, value: copy.cells[row * 2 + 1] as number, metricName: `${name}_sum` });
      samples.push({ labels, value: copy.cells[row * 2] as number, metricName: `${name}_count` });
    } else {
      const { bounds, cells } = copy;
      const start = row * strideOf(bounds);
      let count = 0;
      for (let i = 0; i <= bounds.length; i++) {
        count += cells[start + i] as number;
        const le = i < bounds.length ? (bounds[i] as number) : '+Inf';
        samples.push({ labels: { ...labels, le }, value: count, metricName: `${name}_bucket` });
      }
      const sum = cells[start + bounds.length + 1] as number;
      samples.push({ labels, value: sum, metricName: `${name}_sum` });
      samples.push({ labels, value: count, metricName: `${name}_count` });
    }
  }
  return samples;
};

/** Offers metrics to prom-client registries: one object with `get()` for each family, as prom-client's own metrics have it. */
export class Offers {
  readonly #read: () => readonly FamilyCopy[];
  readonly #specs: FamilySpec[] = [];
  readonly #registries = new Map<PromRegistryLike, string[]>();
  /** One reading for all families: a registry asks for each in the same turn. */
  #reading: ReadonlyMap<string, FamilyCopy> | undefined;

  constructor(read: () => readonly FamilyCopy[]) {
    this.#read = read;
  }

  /** A family there is. Registries that are known get it too; where one has that name already, theirs stays. */
  add(spec: FamilySpec): void {
    this.#specs.push(spec);
    for (const [registry, added] of this.#registries) {
      if (registry.getSingleMetric(spec.name) === undefined) this.#register(registry, spec, added);
    }
  }

  /**
   * @returns takes them out again
   * @throws TypeError when it has one of the names already; it is left unchanged then
   */
  register(registry: PromRegistryLike): () => void {
    if (typeof registry?.registerMetric !== 'function')
      throw new TypeError('metrics.register() takes a prom-client Registry.');
    if (this.#registries.has(registry)) throw new TypeError('This registry has the metrics already.');
    const clash = this.#specs.find(({ name }) => registry.getSingleMetric(name) !== undefined);
    if (clash !== undefined)
      throw new TypeError(
        `The registry has a metric '${clash.name}' already. Rename yours, or use another registry.`,
      );
    const added: string[] = [];
    this.#registries.set(registry, added);
    for (const spec of this.#specs) this.#register(registry, spec, added);
    return () => {
      if (!this.#registries.delete(registry)) return;
      for (const name of added) registry.removeSingleMetric(name);
    };
  }

  #register(registry: PromRegistryLike, spec: FamilySpec, added: string[]): void {
    const offers = this;
    const metric = {
      // prom-client takes `_total` off this name when it writes OpenMetrics, and puts it on every sample.
      name: spec.name,
      help: spec.help,
      type: typeOf(spec),
      aggregator: 'sum',
      async get() {
        const copy = offers.#current().get(spec.name);
        const { name, help, type, aggregator } = this;
        return { name, help, type, aggregator, values: copy === undefined ? [] : samplesOf(copy) };
      },
      /** `registry.resetMetrics()` is for tests of theirs; our counts go on. */
      reset() {},
    };
    registry.registerMetric(metric as never as Parameters<Registry['registerMetric']>[0] as never);
    added.push(spec.name);
  }

  #current(): ReadonlyMap<string, FamilyCopy> {
    if (this.#reading === undefined) {
      this.#reading = new Map(this.#read().map((copy) => [copy.spec.name, copy]));
      setImmediate(() => {
        this.#reading = undefined;
      }).unref();
    }
    return this.#reading;
  }
}
