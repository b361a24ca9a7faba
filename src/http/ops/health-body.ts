import type { Context } from 'hono';
import type { HealthStatus } from '../../events/index.ts';
import { preferredType, sendJson } from '../respond.ts';

export const HEALTH_JSON = 'application/health+json';

/** A body with a status, of whatever endpoint. */
interface HealthBody {
  readonly status: HealthStatus;
  readonly checks?: unknown;
  readonly [member: string]: unknown;
}

const words = { ok: 'pass', warning: 'warn', error: 'fail' } as const;
const wordOf = (status: unknown) => words[status as HealthStatus] ?? status;

interface AnyCheck {
  readonly name: string;
  readonly status: string;
  readonly message?: string;
}

/** What else speaks of statuses: rows of dependencies, and changes from one status to another. */
const translated = ({ dependencies, history }: Record<string, unknown>): Record<string, unknown> => ({
  ...(Array.isArray(dependencies) && {
    dependencies: dependencies.map((row) => ({ ...row, status: wordOf(row.status) })),
  }),
  ...(Array.isArray(history) && {
    history: history.map((change) => ({ ...change, from: wordOf(change.from), to: wordOf(change.to) })),
  }),
});

/** The same facts in the shape of draft-inadarei-api-health-check-06: its words, and checks as arrays by name. */
const toHealthJson = ({ status, checks, ...others }: HealthBody): Record<string, unknown> => {
  const rest = { ...others, ...translated(others) };
  if (!Array.isArray(checks)) return { status: wordOf(status), ...rest };
  const byName = (checks as readonly AnyCheck[]).map(({ name, ...check }) => {
    const output = check.status === 'ok' ? {} : { output: check.message };
    return [name, [{ ...check, status: wordOf(check.status), ...output }]] as const;
  });
  return { status: wordOf(status), checks: Object.fromEntries(byName), ...rest };
};

/** Answers 200 while the status is ok or warning, 503 on error, in the caller's vocabulary. */
export const sendHealth = (c: Context, body: HealthBody): Response => {
  const type = preferredType(c, ['application/json', HEALTH_JSON]);
  const status = body.status === 'error' ? 503 : 200;
  return sendJson(c, status, type === HEALTH_JSON ? toHealthJson(body) : body, { vary: 'accept' }, type);
};
