import { isSnakepitError } from '../../errors/index.ts';
import type { CanaryOptions } from './dependencies/dependencies.ts';
import type { CheckFunction } from './dependencies/options.ts';

/** Sends a request the way every other goes: queue, worker, Python and back. */
export type SendRequest = (
  pool: string,
  command: string,
  args: Record<string, unknown>,
  options: { readonly timeoutMs: number; readonly signal: AbortSignal },
) => Promise<unknown>;

/** What the canary of a pool does: it asks whether a request comes back. */
export const canaryCheck = (
  pool: string,
  { command, args, timeoutMs }: CanaryOptions,
  send: SendRequest,
  isStarted: () => boolean,
): CheckFunction => {
  return async ({ signal }) => {
    if (!isStarted())
      return {
        status: 'warning',
        message: 'Not tried yet',
        why: `pool '${pool}' has had no ready worker`,
        remedy: 'None needed; it is tried as soon as there is one.',
      };
    try {
      await send(pool, command, args, { timeoutMs, signal });
      return { status: 'ok', message: `${command} answered` };
    } catch (error) {
      const told = isSnakepitError(error) ? `${error.code}: ${error.message}` : String(error);
      return {
        status: 'error',
        message: `${command} failed: ${told}`,
        why: `a request for '${command}' did not come back with a result`,
        remedy: `Call it yourself to see the same; if the command or its arguments are wrong, mend health.canary.${pool}.`,
      };
    }
  };
};
