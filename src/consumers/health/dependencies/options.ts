import type { CheckAnswer } from './answer.ts';

/** A check. The signal is aborted at its deadline, and when the check is taken away. */
export type CheckFunction = (about: { readonly signal: AbortSignal }) => CheckAnswer | Promise<CheckAnswer>;

/** How a check is run. */
export interface CheckOptions {
  /** Deadline of one run. Milliseconds. Default: `health.checks.timeoutMs`, 2000. */
  readonly timeoutMs?: number | undefined;
  /** Whether readiness needs it: while it fails, and until it has passed once, no traffic should come. Default false. */
  readonly critical?: boolean | undefined;
  /** Pause between two runs. Milliseconds. Default: `health.checks.intervalMs`, 15000. */
  readonly intervalMs?: number | undefined;
  /** A result older than this is an error. Milliseconds, at least `intervalMs` + `timeoutMs`. Default: `health.checks.maxAgeMs`, 60000, but no less than two intervals and a deadline. */
  readonly maxAgeMs?: number | undefined;
}

/** Node's timers overflow above this and fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;
const NAME = /^[A-Za-z0-9_][A-Za-z0-9_.:-]{0,63}$/;
/** Of readiness and liveness. */
const OURS = /^(pool:|canary:|core$|shutdown$|starting$|draining$)/;
const known = ['timeoutMs', 'critical', 'intervalMs', 'maxAgeMs'];
const times = ['timeoutMs', 'intervalMs', 'maxAgeMs'] as const;

/**
 * Checks what `registerCheck` was given.
 *
 * @param taken - names there are
 * @throws TypeError naming the check and what is wrong with it
 */
export const checkRegistration = (
  name: unknown,
  fn: unknown,
  options: CheckOptions,
  taken: readonly string[],
): void => {
  if (typeof name !== 'string' || !NAME.test(name))
    throw new TypeError(
      `A health check needs a name of letters, digits and _ . : -, at most 64 characters; got ${String(name)}.`,
    );
  if (OURS.test(name)) throw new TypeError(`The name '${name}' is for Snakepit's own checks; take another.`);
  if (taken.includes(name))
    throw new TypeError(
      `There is a health check '${name}' already; take another name, or take the first away with the function registerCheck returned.`,
    );
  if (typeof fn !== 'function')
    throw new TypeError(`The health check '${name}' needs a function; got ${typeof fn}.`);
  checkOptions(name, options);
};

const checkOptions = (name: string, options: CheckOptions): void => {
  if (typeof options !== 'object' || options === null)
    throw new TypeError(`Options of health check '${name}': an object is needed, got ${String(options)}.`);
  const fault = (key: string, got: unknown, allowed: string) =>
    new TypeError(`${key} of health check '${name}': got ${String(got)}; allowed: ${allowed}.`);
  const unknown = Object.keys(options).find((key) => !known.includes(key));
  if (unknown !== undefined)
    throw new TypeError(
      `There is no option '${unknown}' of health check '${name}'; there are ${known.join(', ')}.`,
    );
  for (const key of times) {
    const value = options[key];
    if (value !== undefined && !(Number.isInteger(value) && value > 0 && value <= MAX_TIMER_MS))
      throw fault(key, value, `milliseconds, a whole number from 1 to ${MAX_TIMER_MS}`);
  }
  const { critical, intervalMs = 0, timeoutMs = 0, maxAgeMs } = options;
  if (critical !== undefined && typeof critical !== 'boolean')
    throw fault('critical', critical, 'true or false');
  if (maxAgeMs !== undefined && maxAgeMs < intervalMs + timeoutMs)
    throw fault(
      'maxAgeMs',
      maxAgeMs,
      `at least intervalMs + timeoutMs (${intervalMs + timeoutMs}), or results expire between runs`,
    );
};
