import type { HealthStatus } from '../../events/index.ts';
import type { HealthCheck } from './types.ts';

/** What a check finds about one pool. */
export interface Verdict {
  /** Missing where it is about the process. */
  readonly pool?: string | undefined;
  readonly status: HealthStatus;
  readonly message: string;
  readonly why?: string;
  readonly remedy?: string;
}

/** How bad a status is; the value of `snakepit_health_status`. */
export const rank: Record<HealthStatus, number> = { ok: 0, warning: 1, error: 2 };

/** The worst of several; `ok` of none. */
export const worst = (statuses: readonly HealthStatus[]): HealthStatus =>
  statuses.reduce<HealthStatus>((so, status) => (rank[status] > rank[so] ? status : so), 'ok');

/** The worst status of several checks; `ok` of none. */
export const worstOf = (items: readonly { readonly status: HealthStatus }[]): HealthStatus =>
  worst(items.map(({ status }) => status));

/** One check over all pools. A single pool needs no naming: the message reads as in the design. */
export const toCheck = (name: string, verdicts: readonly Verdict[]): HealthCheck => {
  const bad = verdicts.filter((verdict) => verdict.status !== 'ok');
  const label = ({ pool }: Verdict, text: string) =>
    verdicts.length === 1 || pool === undefined ? text : `${pool}: ${text}`;
  const why = bad.map((verdict) => label(verdict, verdict.why ?? verdict.message));
  const remedies = bad.flatMap((verdict) => (verdict.remedy === undefined ? [] : [verdict.remedy]));
  return {
    name,
    status: worstOf(verdicts),
    message: verdicts.map((verdict) => label(verdict, verdict.message)).join('; '),
    ...(why.length > 0 && { why: why.join('; ') }),
    ...(remedies.length > 0 && { remedy: [...new Set(remedies)].join(' ') }),
  };
};

/** `0.125` → `12.5%`. */
export const percent = (share: number): string => `${Math.round(share * 1000) / 10}%`;

/** `12345` ms → `12.3 s`. */
export const seconds = (ms: number): string => `${Math.round(ms / 100) / 10} s`;

/** `1 worker`, `2 workers`. */
export const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;
