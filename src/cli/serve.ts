import type { ResolvedOptions } from '../config/index.ts';
import { packageVersion } from '../version.ts';
import { type ExitCode, UsageError } from './exit.ts';
import { announce } from './instances/announce.ts';
import { withOwnToken } from './instances/own-token.ts';
import { type Companions, type End, type ServedRuntime, serveUntilStopped } from './serve-lifecycle.ts';
import type { Terminal } from './terminal.ts';

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

/** @throws UsageError on native Windows */
export const refuseWindows = ({ platform }: Pick<Terminal, 'platform'>): void => {
  if (platform !== 'win32') return;
  throw new UsageError(
    'platform: got Windows; allowed: Linux, macOS, or Linux inside Windows (WSL 2, `wsl --install`).',
  );
};

/** What {@link serveResolved} serves. */
export interface Served {
  readonly resolved: ResolvedOptions;
  readonly python: ServeExtra['python'] | undefined;
  readonly start: StartServe;
  readonly ready?: Companions['ready'];
}

/** Endpoints are taken out of Services in the background: until then requests still come, and must not be refused. */
const KUBERNETES_DELAY_MS = 5000;

/** Serves until a signal ends it, findable by this user's commands in the meantime. */
export const serveResolved = (
  { resolved: wanted, python, start, ready }: Served,
  terminal: Terminal,
): Promise<ExitCode> => {
  const { resolved, token } = withOwnToken(wanted);
  const { delayMs, drainMs } = resolved.shutdown;
  return serveUntilStopped(
    {
      start: () => start(resolved, { guest: false, ...(python !== undefined && { python }) }),
      shutdown: {
        delayMs: delayMs ?? (terminal.env.KUBERNETES_SERVICE_HOST ? KUBERNETES_DELAY_MS : 0),
        drainMs,
      },
      companions: { listening: (runtime) => register(runtime, { resolved, token }, terminal), ready },
    },
    terminal,
  );
};

const register = async (
  { opsUrl, gatewayUrl, logger }: ServedRuntime,
  { resolved, token }: { readonly resolved: ResolvedOptions; readonly token: string | null },
  terminal: Terminal,
): Promise<End> => {
  if (opsUrl === undefined) return () => {};
  const apps = Object.values(resolved.pools).map(({ app }) => String(app));
  try {
    return await announce(
      {
        ops_url: opsUrl + resolved.ops.prefix,
        url: gatewayUrl ?? null,
        token,
        app: [...new Set(apps)].join(', '),
        version: packageVersion(),
        cwd: terminal.cwd,
      },
      terminal,
    );
  } catch (error) {
    // Serving is the job; being found by `snakepit status` is a comfort.
    logger.warn(
      'Commands such as `snakepit status` will need --ops-url: no file could be written for them to find this instance by.',
      { event: 'snakepit.serve.not_announced', why: (error as Error).message },
    );
    return () => {};
  }
};
