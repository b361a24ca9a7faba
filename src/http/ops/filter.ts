import type { Context } from 'hono';
import { errorCodes } from '../../errors/index.ts';
import { now } from '../../events/index.ts';
import type { ErrorFilter } from '../ports.ts';
import { badParameter, parametersOf } from './query.ts';

const MAX_LIMIT = 500;

const units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const relative = /^(\d{1,15}(?:\.\d+)?)(ms|s|m|h|d)$/;
const epoch = /^\d{1,15}$/;
/** RFC 3339 section 5.6. A plus sign that was not escaped arrives as a space. */
const rfc3339 = /^(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?)(?:[Zz]|([+\- ])(\d\d:\d\d))$/;

/** A moment as a query writes it, in epoch milliseconds. */
export const parseSince = (text: string): number | undefined => {
  if (epoch.test(text)) return Number(text);
  const ago = relative.exec(text);
  if (ago !== null) return now() - Number(ago[1]) * units[ago[2] as keyof typeof units];
  const date = rfc3339.exec(text);
  if (date === null) return undefined;
  const [, time, sign, offset] = date;
  const at = Date.parse(`${time}${offset === undefined ? 'Z' : `${sign === '-' ? '-' : '+'}${offset}`}`);
  return Number.isNaN(at) ? undefined : at;
};

/** What {@link parseSince} takes, in words. */
export const SINCE =
  'a time ago such as 15m (ms, s, m, h, d), RFC 3339 such as 2025-01-15T10:30:00Z, or epoch milliseconds';

const parseName = (text: string): string | undefined => (text === '' ? undefined : text);
const parseSlot = (text: string): number | undefined => (/^\d{1,9}$/.test(text) ? Number(text) : undefined);
const parseCode = (text: string): string | undefined => (Object.hasOwn(errorCodes, text) ? text : undefined);
const parseLimit = (text: string): number | undefined => {
  const limit = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  return limit >= 1 && limit <= MAX_LIMIT ? limit : undefined;
};

interface Parameter<T> {
  readonly parse: (text: string) => T | undefined;
  readonly allowed: string;
}

const parameters = {
  since: {
    parse: parseSince,
    allowed: SINCE,
  },
  pool: { parse: parseName, allowed: 'the name of a pool' },
  command: { parse: parseName, allowed: 'the name of a command' },
  worker_slot: { parse: parseSlot, allowed: 'a whole number from 0' },
  code: { parse: parseCode, allowed: Object.keys(errorCodes).join(', ') },
  limit: { parse: parseLimit, allowed: `a whole number from 1 to ${MAX_LIMIT}` },
} satisfies Record<string, Parameter<unknown>>;

const names = Object.keys(parameters);

/**
 * The filter that a list's query asks for.
 *
 * @throws Refusal `bad_request` naming the parameter, what was got and what is allowed
 */
export const filterOf = (c: Context): ErrorFilter => {
  const given = parametersOf(c, names);
  const read = <T>(name: string, { parse, allowed }: Parameter<T>): T | undefined => {
    const text = given.get(name);
    if (text === undefined) return undefined;
    const value = parse(text);
    if (value === undefined) throw badParameter(name, text, allowed);
    return value;
  };
  return {
    since: read('since', parameters.since),
    pool: read('pool', parameters.pool),
    command: read('command', parameters.command),
    workerSlot: read('worker_slot', parameters.worker_slot),
    code: read('code', parameters.code),
    limit: read('limit', parameters.limit),
  };
};
