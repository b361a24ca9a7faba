import { type ConfigSource, type ResolvedOptions, withValue } from '../config/index.ts';
import { packageVersion } from '../version.ts';
import { type ExitCode, UsageError } from './exit.ts';
import { HangUps } from './hang-ups.ts';
import { announce } from './instances/announce.ts';
import { withOwnToken } from './instances/own-token.ts';
import type { CommandOptions } from './options.ts';
import { type Companions, type End, type ServedRuntime, serveUntilStopped } from './serve-lifecycle.ts';
import type { Terminal } from './terminal.ts';

/** What the command line knows and the options do not hold. */
export interface ServeExtra {
  /** The options as they were written. */
  readonly source?: ConfigSource;
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
  readonly source: ConfigSource;
  readonly python: ServeExtra['python'] | undefined;
  readonly start: StartServe;
  /** Reads the configuration as it is now, on SIGHUP. Undefined where there is no file. */
  readonly reread?: (() => Promise<ConfigSource>) | undefined;
  readonly ready?: Companions['ready'];
}

/** How the configuration is read again: from the very file it came from, though another may be nearer by now. */
export const rereading = (
  { file }: Pick<CommandOptions, 'file'>,
  read: (file: string) => Promise<CommandOptions>,
): Served['reread'] => (file === undefined ? undefined : async () => (await read(file)).source);

/** Endpoints are taken out of Services in the background: until then requests still come, and must not be refused. */
const KUBERNETES_DELAY_MS = 5000;

/** Serves until a signal ends it, findable by this user's commands in the meantime. */
export const serveResolved = async (
  { resolved: wanted, source, python, start, reread, ready }: Served,
  terminal: Terminal,
): Promise<ExitCode> => {
  const { resolved, token } = withOwnToken(wanted);
  const { delayMs, drainMs } = resolved.shutdown;
  const guarded = sourceWith(token);
  const hangUps = new HangUps();
  const extra = { guest: false, source: guarded(source), ...(python !== undefined && { python }) };
  const serving = serveUntilStopped(
    {
      start: () => start(resolved, extra),
      shutdown: {
        delayMs: delayMs ?? (terminal.env.KUBERNETES_SERVICE_HOST ? KUBERNETES_DELAY_MS : 0),
        drainMs,
      },
      companions: {
        listening: async (runtime) => {
          const read = reread === undefined ? undefined : async () => guarded(await reread());
          hangUps.handle(async () => runtime.hangUp?.(read));
          return register(runtime, { resolved, token }, terminal);
        },
        ready,
      },
    },
    terminal,
  );
  return serving.finally(() => hangUps.dispose());
};

/** The token we made is no difference between the file and what is in force. */
const sourceWith =
  (token: string | null) =>
  (source: ConfigSource): ConfigSource => {
    const ops = source.options.ops as { token?: unknown } | undefined;
    if (token === null || ops?.token !== undefined) return source;
    const options = withValue(source.options, ['ops', 'token'], token) as ConfigSource['options'];
    return { ...source, options };
  };

const register = async (
  { opsUrl, dashboardUrl, gatewayUrl, logger }: ServedRuntime,
  { resolved, token }: { readonly resolved: ResolvedOptions; readonly token: string | null },
  terminal: Terminal,
): Promise<End> => {
  if (opsUrl === undefined) return () => {};
  if (dashboardUrl !== undefined) {
    logger.info(`The live page is at ${dashboardUrl}`, {
      event: 'snakepit.serve.dashboard',
      url: dashboardUrl,
    });
  }
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
