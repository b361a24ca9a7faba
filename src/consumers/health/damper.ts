import type { HealthStatus } from '../../events/index.ts';
import { rank, worst } from './verdict.ts';

/** Thresholds of one criterion, and how slowly they are left. */
export interface Limits {
  readonly warning: number;
  readonly error: number;
  /** Share of a threshold by which the value must fall below it before it counts as left. */
  readonly hysteresis: number;
  /** A status is given up only when nothing has been that bad for so long. Milliseconds. */
  readonly dwellMs: number;
}

/** What was measured, at one look. */
export interface Measured {
  /** Null: too little was seen to say. */
  readonly value: number | null;
  /** Whatever the value, it is at least this. */
  readonly atLeast?: HealthStatus | undefined;
}

/** Where a criterion stands. */
export interface Standing {
  /** What is shown. */
  readonly status: HealthStatus;
  /** What the value alone says, hysteresis included. */
  readonly raw: HealthStatus;
  /** When it was last at least that bad; the clock of durations. */
  readonly warningAt: number;
  readonly errorAt: number;
}

/** Before the first look. */
export const initial: Standing = {
  status: 'ok',
  raw: 'ok',
  warningAt: Number.NEGATIVE_INFINITY,
  errorAt: Number.NEGATIVE_INFINITY,
};

/**
 * The next standing: a function of what was, what is measured and the time, of nothing else.
 *
 * Worse is told at once, better only when it has lasted: so a value that swings around a threshold changes the status for the better
 * at most once in `dwellMs`.
 */
export const step = (before: Standing, measured: Measured, limits: Limits, at: number): Standing => {
  const raw = rawStatus(measured, limits, before.raw);
  const warningAt = raw === 'ok' ? before.warningAt : at;
  const errorAt = raw === 'error' ? at : before.errorAt;
  const kept = (since: number) => at - since < limits.dwellMs;
  // Only what was shown is kept: a longer dwell set meanwhile must not bring back what is over.
  const heldError = before.status === 'error' && kept(errorAt) ? 'error' : 'ok';
  const heldWarning = before.status !== 'ok' && kept(warningAt) ? 'warning' : 'ok';
  return { status: worst([raw, heldError, heldWarning]), raw, warningAt, errorAt };
};

const rawStatus = (
  { value, atLeast = 'ok' }: Measured,
  limits: Limits,
  before: HealthStatus,
): HealthStatus =>
  // Nothing wrong at all is never a fault, even under a threshold of 0.
  value === null || value === 0 ? atLeast : worst([atLeast, reached(value, limits, before)]);

const reached = (value: number, limits: Limits, before: HealthStatus): HealthStatus => {
  const over = (level: 'warning' | 'error') =>
    value >= limits[level] * (rank[before] >= rank[level] ? 1 - limits.hysteresis : 1);
  if (over('error')) return 'error';
  return over('warning') ? 'warning' : 'ok';
};
