import { type Rejection, rejections } from './record/application.ts';
import type { RecordedFamilies } from './record/recorded.ts';

/** What can fail at a scrape without failing it; the label `collector` of `snakepit_metrics_collect_failures_total`. */
export const collectors = [
  'snapshot',
  'bus',
  'ready',
  'health',
  'reload',
  'event_loop',
  'node',
  'registry',
  'group',
] as const;
export type Collector = (typeof collectors)[number];

/** What the metrics consumer counts about itself. */
export class OwnMetrics {
  readonly #families: RecordedFamilies;

  /** @param grouped - whether there is a group, of which something may be missing */
  constructor(families: RecordedFamilies, grouped = false) {
    this.#families = families;
    const rejected = families.counter('snakepit_metrics_rejected_total');
    const failures = families.counter('snakepit_metrics_collect_failures_total');
    for (const reason of rejections) rejected.row([reason]);
    for (const collector of collectors) if (collector !== 'group' || grouped) failures.row([collector]);
  }

  reject(reason: Rejection, count = 1): void {
    this.#families.counter('snakepit_metrics_rejected_total').bind(reason).add(count);
  }

  limitReached(metric: string): void {
    this.#families.counter('snakepit_metrics_series_limit_reached_total').bind(metric).add(1);
  }

  collectFailed(collector: Collector): void {
    this.#families.counter('snakepit_metrics_collect_failures_total').bind(collector).add(1);
  }
}
