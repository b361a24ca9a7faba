import type { ConsumerOptions, ResolvedConsumerOptions } from './consumer.ts';
import type { KeepOptions } from './gate.ts';
import type { HoldOptions } from './hold.ts';
import type { RateLimit } from './limiter.ts';
import { isTransient } from './retry.ts';

/** What can be set on the bus while it runs. */
export interface BusSettings {
  /** Rates from 0 to 1 by event name or pattern. */
  readonly sampling: Readonly<Record<string, number>>;
  /** Limits by event name or pattern. */
  readonly rateLimits: Readonly<Record<string, RateLimit>>;
  readonly keep: KeepOptions;
  readonly hold: HoldOptions;
  /** Consumers by name; one that is `false` gets nothing. */
  readonly consumers: Readonly<Record<string, boolean>>;
}

export const defaultSettings: BusSettings = {
  sampling: {},
  rateLimits: {},
  keep: { perSecond: 100, burst: 1000 },
  hold: { maxEvents: 4096, maxAgeMs: 300_000 },
  consumers: {},
};

const MIB = 2 ** 20;

const defaults: ResolvedConsumerOptions = {
  delivery: 'queued',
  sampled: true,
  queue: { maxEvents: 2048, maxBytes: 8 * MIB, onFull: 'drop_oldest', blockMs: 1000 },
  batch: { maxEvents: 512, waitMs: 0 },
  deadlineMs: 5000,
  maxBlockMs: 50,
  share: 0.2,
  retry: { attempts: 0, backoffMs: 100, maxBackoffMs: 5000, isTransient },
  circuit: { failures: 5, openMs: 1000, maxOpenMs: 60_000 },
};

const choices: Readonly<Record<string, readonly unknown[]>> = {
  delivery: ['queued', 'inline'],
  'queue.onFull': ['drop_oldest', 'drop_newest', 'block'],
};
/** May be nothing. */
const fromZero: ReadonlySet<string> = new Set(['batch.waitMs', 'retry.attempts']);

/**
 * Options of a consumer with every default filled in. Checked by hand and not with a schema: they are given in code, hold functions, and this room stands below the one of the configuration.
 *
 * @throws TypeError naming the option, what was got and what is allowed
 */
export const resolveConsumerOptions = (options: ConsumerOptions = {}): ResolvedConsumerOptions =>
  fill('', defaults, options) as ResolvedConsumerOptions;

const fill = (path: string, standard: object, given: unknown): object => {
  if (typeof given !== 'object' || given === null) {
    throw new TypeError(
      `The consumer option '${path}' is an object, got ${given === null ? 'null' : typeof given}.`,
    );
  }
  const unknown = Object.keys(given).find((key) => !Object.hasOwn(standard, key));
  if (unknown !== undefined) {
    const known = Object.keys(standard).join(', ');
    throw new TypeError(`There is no consumer option '${join(path, unknown)}'; there are ${known}.`);
  }
  return Object.fromEntries(
    Object.entries(standard).map(([key, value]) => {
      const got = (given as Record<string, unknown>)[key];
      if (got === undefined) return [key, value];
      const at = join(path, key);
      return [key, typeof value === 'object' ? fill(at, value, got) : checked(at, value, got)];
    }),
  );
};

const join = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`);

const checked = (path: string, standard: unknown, got: unknown): unknown => {
  const allowed = choices[path];
  if (allowed !== undefined) {
    if (allowed.includes(got)) return got;
    throw new TypeError(`The consumer option '${path}' is one of ${allowed.join(', ')}, got ${String(got)}.`);
  }
  if (typeof got !== typeof standard) {
    throw new TypeError(`The consumer option '${path}' is a ${typeof standard}, got ${typeof got}.`);
  }
  if (path === 'share') {
    if ((got as number) > 0 && (got as number) <= 1) return got;
    throw new TypeError(`The consumer option 'share' is a number above 0, up to 1, got ${got}.`);
  }
  const least = fromZero.has(path) ? 0 : 1;
  if (typeof got === 'number' && !(Number.isInteger(got) && got >= least && got < 2 ** 31)) {
    throw new TypeError(`The consumer option '${path}' is a whole number from ${least}, got ${got}.`);
  }
  return got;
};
