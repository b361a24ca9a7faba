import { delimiter } from 'node:path';
import { pythonRuntimePath } from './python-runtime-path.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** What a worker's environment is made of. */
export interface WorkerEnvSettings {
  /** The host's environment, as a rule `process.env`. */
  readonly host: Env;
  /** Whether the worker gets the host's variables. Where not, it still gets those in {@link alwaysInherited}. */
  readonly inheritEnv: boolean;
  /** The pool's own variables; they win over the host's. `{slot}` in a value becomes the number of the worker's slot. */
  readonly extra: Env;
  /** CPUs that all workers of the pool share. */
  readonly cpus: number;
  readonly workers: number;
  /** The small stable number of the worker's place, so that an app can pick its device by it. */
  readonly slot: number;
}

/** What programs cannot do without: to find programs, a home for caches, a place for files, language and time zone. */
export const alwaysInherited = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'LC_ALL', 'LC_CTYPE', 'TZ'] as const;

/** Thread pools of numeric libraries. Each takes all CPUs by default, in every worker, which makes them fight. */
export const threadVariables = [
  'OMP_NUM_THREADS',
  'OPENBLAS_NUM_THREADS',
  'MKL_NUM_THREADS',
  'NUMEXPR_NUM_THREADS',
  'VECLIB_MAXIMUM_THREADS',
] as const;

/** Not for workers: tokens of the servers, and descriptors that only the host has, or that were its own when it was a worker itself. */
const withheld =
  /^(SNAKEPIT_(?:.*_)?TOKEN(?:_FILE)?|SNAKEPIT_STACK_FD|NODE_CHANNEL_FD|NODE_CHANNEL_SERIALIZATION_MODE)$/;

const SLOT = '{slot}';

/** Whether a pool's variables differ from slot to slot: then two workers of one slot may want the same device. */
export const usesSlot = (extra: Env): boolean => Object.values(extra).some((value) => value?.includes(SLOT));

/** Computes the environment of one worker; what the transport adds (`SNAKEPIT_SOCKET` …) goes on top. */
export const workerEnv = (settings: WorkerEnvSettings): Record<string, string> => {
  const { host, inheritEnv, extra, cpus, workers, slot } = settings;
  const inherited = inheritEnv ? Object.keys(host) : alwaysInherited;
  const env: Record<string, string> = {};
  for (const name of inherited) if (host[name] !== undefined) env[name] = host[name];
  // A pipe is no terminal: Python would keep output back in blocks, and choose an encoding by the locale.
  env.PYTHONUNBUFFERED = '1';
  env.PYTHONIOENCODING = 'utf-8';
  for (const [name, value] of Object.entries(extra))
    if (value !== undefined) env[name] = value.replaceAll(SLOT, String(slot));
  for (const name of Object.keys(env)) if (withheld.test(name)) delete env[name];
  env.PYTHONPATH = [pythonRuntimePath(), env.PYTHONPATH].filter(Boolean).join(delimiter);
  env.SNAKEPIT_WORKER_SLOT = String(slot);
  const threads = String(Math.max(1, Math.floor(cpus / workers)));
  for (const name of threadVariables) env[name] ??= threads;
  return env;
};
