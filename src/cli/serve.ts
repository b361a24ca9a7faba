import type { ResolvedOptions } from '../config/index.ts';
import type { ServedRuntime } from './serve-lifecycle.ts';

/** What the command line knows and the options do not hold. */
export interface ServeExtra {
  /** The interpreter that `--python` names, for every pool. */
  readonly python?: { readonly value: string; readonly source: string };
  /** False: this process is ours, not somebody's program that uses a library. */
  readonly guest: boolean;
}

/** Starts everything; the ops server listens before any worker starts. */
export type StartServe = (resolved: ResolvedOptions, extra: ServeExtra) => Promise<ServedRuntime>;

/** Loads the runtime only now: `--help`, `doctor` and `python-path` do without it and answer sooner. */
export const startServe: StartServe = async (resolved, extra) => {
  const { startRuntime } = await import('../runtime.ts');
  return startRuntime(resolved, extra);
};
