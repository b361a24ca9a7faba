import type { SnakepitEvent } from '../../../events/index.ts';
import type { ApplicationMetrics, LabelValues, Rejection } from '../record/application.ts';
import type { MetricSpec } from '../record/spec.ts';

/** Carries what the workers' apps count; see proto/PROTOCOL.md. */
const BATCH = 'python._metrics';
const EXITS: ReadonlySet<string> = new Set([
  'snakepit.worker.stopped',
  'snakepit.worker.crashed',
  'snakepit.worker.recycled',
]);
/** Metrics that apps may declare, so that one that invents names cannot fill memory. */
const MAX_METRICS = 200;

interface Declared {
  /** As it was declared, to compare with what other workers say. */
  readonly text: string;
  readonly type: MetricSpec['type'];
  readonly byWorker: boolean;
}

/** Who sent a batch, as the host knows it. */
interface Sender {
  readonly pool: string;
  readonly slot: string;
  readonly worker: string;
}

/** The metrics of Python apps. Everything that comes is checked here: a worker runs code of others. */
export class PythonMetrics {
  readonly wanted: readonly string[] = [BATCH, ...EXITS];
  readonly #application: ApplicationMetrics;
  readonly #reject: (reason: Rejection, count?: number) => void;
  readonly #declared = new Map<string, Declared>();

  constructor(application: ApplicationMetrics, reject: (reason: Rejection, count?: number) => void) {
    this.#application = application;
    this.#reject = reject;
  }

  handle({ event_name, metadata }: SnakepitEvent): void {
    if (event_name === BATCH) this.#batch(metadata);
    else if (EXITS.has(event_name) && typeof metadata.worker_id === 'string')
      this.#application.release(metadata.worker_id);
  }

  #batch({ declared, updates, lost, pool_name, worker_slot, worker_id }: SnakepitEvent['metadata']): void {
    if (typeof pool_name !== 'string' || !Array.isArray(declared) || !Array.isArray(updates)) {
      this.#reject('malformed_event');
      return;
    }
    const from = { pool: pool_name, slot: String(worker_slot), worker: String(worker_id) };
    for (const one of declared) this.#attempt(() => this.#declare(one));
    for (const one of updates) this.#attempt(() => this.#update(one, from));
    if (typeof lost === 'number' && lost > 0) this.#reject('lost', lost);
  }

  #attempt(step: () => void): void {
    try {
      step();
    } catch {
      this.#reject('malformed_event');
    }
  }

  #declare(given: MetricSpec & { readonly by_worker?: unknown }): void {
    const text = JSON.stringify(given);
    const known = this.#declared.get(given.name);
    // Every worker of a pool declares the same.
    if (known?.text === text) return;
    const byWorker = given.by_worker === true;
    try {
      if (known !== undefined || this.#declared.size >= MAX_METRICS)
        throw new TypeError('not as before, or too many');
      const { type, name, help, labels = [], unit, buckets, quantiles } = given;
      this.#application.register({
        type,
        name,
        help,
        labels: [...labels, 'pool_name', ...(byWorker ? ['worker_slot'] : [])],
        ...(unit !== undefined && { unit }),
        ...(buckets !== undefined && { buckets }),
        ...(quantiles !== undefined && { quantiles }),
      });
      this.#declared.set(name, { text, type, byWorker });
    } catch {
      this.#reject('declaration');
    }
  }

  #update(update: unknown, { pool, slot, worker }: Sender): void {
    const [name, names, values, value] = update as [string, string[], unknown[], unknown];
    const of = this.#declared.get(name);
    if (of === undefined) {
      this.#reject('unknown_metric');
      return;
    }
    const labels: Record<string, unknown> = Object.create(null);
    names.forEach((label, i) => {
      labels[label] = values[i];
    });
    labels.pool_name = pool;
    if (of.byWorker) labels.worker_slot = slot;
    const owner = of.type === 'gauge' && of.byWorker ? worker : undefined;
    for (const one of Array.isArray(value) ? value : [value])
      this.#application.update(of.type, name, labels as LabelValues, one as number, owner);
  }
}
