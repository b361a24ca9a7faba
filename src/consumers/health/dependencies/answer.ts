import { inspect } from 'node:util';
import type { HealthStatus } from '../../../events/index.ts';
import { cut } from '../../../sanitize/index.ts';

/** What a check may say at length. */
export interface CheckFinding {
  readonly status: HealthStatus;
  /** The finding in a few words. */
  readonly message?: string | undefined;
  /** Where it is not ok: the reason. */
  readonly why?: string | undefined;
  /** Where it is not ok: what would mend it. */
  readonly remedy?: string | undefined;
}

/** What a check may answer: nothing or `true` is ok, `false` an error. */
// biome-ignore lint/suspicious/noConfusingVoidType: a function that returns nothing is a check that passed
export type CheckAnswer = void | undefined | boolean | HealthStatus | CheckFinding;

/** Why a check failed. `said`: it answered `error` itself. */
export type FailureReason = 'threw' | 'timeout' | 'nonsense' | 'said' | 'expired';

/** What one run came to. */
export interface Outcome {
  readonly status: HealthStatus;
  readonly message: string;
  readonly why?: string | undefined;
  readonly remedy?: string | undefined;
  readonly reason?: FailureReason;
}

const MAX_TEXT = 500;
const statuses: readonly unknown[] = ['ok', 'warning', 'error'];

/** Reads what a check answered. It never throws, whatever that is. */
export const outcomeOf = (answer: unknown): Outcome => {
  try {
    return read(answer);
  } catch {
    return nonsense('something that cannot be read');
  }
};

const read = (answer: unknown): Outcome => {
  if (answer === undefined || answer === true) return { status: 'ok', message: 'Passed' };
  if (answer === false) return said({ status: 'error' });
  if (statuses.includes(answer)) return said({ status: answer as HealthStatus });
  const found = answer as CheckFinding | null;
  if (typeof found !== 'object' || found === null || !statuses.includes(found.status))
    return nonsense(cut(inspect(answer, { depth: 1, breakLength: Number.POSITIVE_INFINITY }), 100));
  return said(found);
};

const words = { ok: 'Passed', warning: 'Warns', error: 'Failed' } as const;

const said = ({ status, message, why, remedy }: CheckFinding): Outcome => {
  const told = text(message);
  return {
    status,
    message: told ?? words[status],
    ...(status !== 'ok' && {
      why: text(why) ?? told ?? `the check answered ${status}`,
      remedy: text(remedy) ?? 'Look at what the check asks; it gave no remedy.',
    }),
    ...(status === 'error' && { reason: 'said' as const }),
  };
};

const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? cut(value, MAX_TEXT) : undefined;

const nonsense = (shown: string): Outcome => ({
  status: 'error',
  message: 'The check gave no usable answer',
  why: `it answered ${shown}`,
  remedy:
    "A check answers nothing or true (ok), false (error), 'ok', 'warning' or 'error', or { status, message, why, remedy } with one of these.",
  reason: 'nonsense',
});

/** What a throw comes to. */
export const thrown = (error: unknown): Outcome => {
  let told = 'something that cannot be read';
  try {
    told = error instanceof Error ? `${error.name}: ${error.message}` : inspect(error, { depth: 1 });
  } catch {
    // A getter that throws; its owner knows why.
  }
  return {
    status: 'error',
    message: `The check failed: ${cut(told, 200)}`,
    why: cut(told, MAX_TEXT),
    remedy: 'Mend what the check asks, or the check.',
    reason: 'threw',
  };
};
