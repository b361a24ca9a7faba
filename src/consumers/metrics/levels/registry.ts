import type { ResolvedOptions } from '../../../config/index.ts';
import { SnakepitError } from '../../../errors/index.ts';
import type { FamilyCopy, FamilySpec } from '../family.ts';
import type { Names } from '../record/names.ts';
import { copyOf, type PromMetric } from './prom.ts';

type Registry = NonNullable<Exclude<ResolvedOptions['metrics'], false>['registry']>;

/** The metrics of a prom-client registry that the application passed in. */
export class ForeignMetrics {
  readonly #registry: Registry;
  readonly #names: Names;
  readonly #onClash: () => void;

  /**
   * @param names - those that are taken
   * @param onClash - a metric that came later has a name of ours, and is left out
   * @throws SnakepitError `invalid_configuration` when a metric that is there already has a name of ours
   */
  constructor(registry: Registry, names: Names, onClash: () => void) {
    this.#registry = registry;
    this.#names = names;
    this.#onClash = onClash;
    for (const spec of this.#specs()) {
      try {
        names.copy().claim(spec);
      } catch (error) {
        throw new SnakepitError(
          'invalid_configuration',
          `metrics.registry: the metric '${spec.name}' cannot be exposed beside ours. ${(error as Error).message}`,
        );
      }
    }
  }

  /** Whether the registry has a metric of this name. */
  has(name: string): boolean {
    return this.#specs().some((spec) => spec.name === name);
  }

  async collect(): Promise<FamilyCopy[]> {
    const taken = this.#names.copy();
    const copies: FamilyCopy[] = [];
    for (const metric of await this.#registry.getMetricsAsJSON()) {
      const copy = copyOf(metric as PromMetric);
      if (copy === undefined) continue;
      try {
        taken.claim(copy.spec);
        copies.push(copy);
      } catch {
        this.#onClash();
      }
    }
    return copies;
  }

  #specs(): Pick<FamilySpec, 'name' | 'type'>[] {
    return (this.#registry.getMetricsAsArray() as { name: string; type?: unknown }[]).map(
      ({ name, type }) => ({
        name,
        type: typeof type === 'string' && type in known ? (type as FamilySpec['type']) : 'gauge',
      }),
    );
  }
}

const known = { counter: true, gauge: true, histogram: true, summary: true };
