import type { ResolvedOptions } from '../../../config/index.ts';
import type { HealthStatus } from '../../../events/index.ts';
import type { Measured } from '../damper.ts';
import { percent } from '../verdict.ts';

/** Options of the health room, once it is not switched off. */
export type HealthOptions = Exclude<ResolvedOptions['health'], false>;
export type Criterion = HealthOptions['criteria']['error_rate'];

/** A finding in words. */
export interface Words {
  readonly message: string;
  readonly why?: string;
  readonly remedy?: string;
}

/** What a criterion found about one pool, or about the process. */
export interface Finding extends Measured {
  readonly pool?: string;
  /** The status whatever the thresholds and what was before: a start under way, a shutdown. Nothing of it is a threshold passed. */
  readonly fixed?: HealthStatus;
  /** What was passed where `atLeast` says more than the value. */
  readonly passed?: number;
  /** The words for a status that this very value justifies. */
  words(status: HealthStatus): Words;
}

/** A value below its threshold may still count as over it: it says until when. */
export const thresholdWords = (
  status: 'warning' | 'error',
  value: number,
  { hysteresis, ...limits }: Criterion,
  show: (value: number) => string = percent,
): string => {
  const limit = limits[status];
  const until = value < limit ? `, and until it is below ${show(limit * (1 - hysteresis))}` : '';
  return `${status} from ${show(limit)}${until}`;
};
