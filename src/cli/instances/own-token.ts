import { randomBytes } from 'node:crypto';
import type { ResolvedOptions } from '../../config/index.ts';
import { isLoopback } from '../../http/hosts.ts';

const TOKEN_BYTES = 32;

/** Options to start with, and the token that was made for them, if any. */
export interface Guarded {
  readonly resolved: ResolvedOptions;
  readonly token: string | null;
}

/**
 * Gives the ops server a random token where none is configured, so that this user's commands, who read it from a file of theirs, may
 * change things, and pages in a browser may not.
 *
 * Only on loopback: a bind that others reach must go on being refused without a token of the operator's. Nor with `ops.insecure`, since
 * a token would close what that opens.
 */
export const withOwnToken = (resolved: ResolvedOptions): Guarded => {
  const { ops } = resolved;
  if (ops.token !== undefined || ops.insecure || !isLoopback(ops.host)) return { resolved, token: null };
  const token = randomBytes(TOKEN_BYTES).toString('base64url');
  return { resolved: { ...resolved, ops: { ...ops, token } }, token };
};
