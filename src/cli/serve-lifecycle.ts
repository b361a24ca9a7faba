import { setTimeout as sleep } from 'node:timers/promises';
import type { ConfigSource } from '../config/index.ts';
import { type ExitCode, report } from './exit.ts';
import { aborted, StopSignals } from './stop-signals.ts';
import { exitAfterFlush, type Terminal } from './terminal.ts';

/** What `serve` needs of a running instance. */
export interface ServedRuntime {
  /** Resolves once every pool is ready; rejects with `worker_start_failed` when one cannot be. */
  ready(): Promise<void>;
  /** Turns readiness off; everything else goes on. */
  beginShutdown(): void;
  /** Takes nothing new and waits for what runs, at most that long. */
  drain(ms?: number): Promise<unknown>;
  /** Drains for that long, gives up what still runs, ends workers and servers, and writes out the logs. Also cuts a drain short. */
  close(drainMs?: number): Promise<void>;
  /** Replaces the workers one by one, so that they run the app as it is now on disk. One that fails to start leaves the old one in place. */
  reload?(): Promise<readonly Reloaded[]>;
  /** Opens log files anew, and takes over what has changed in the configuration where it can be read again. Never rejects. */
  hangUp?(read?: () => Promise<ConfigSource>): Promise<void>;
  readonly opsUrl?: string | undefined;
  readonly dashboardUrl?: string | undefined;
  readonly gatewayUrl?: string | undefined;
  readonly grpcHealthAddress?: string | undefined;
  readonly logger: Record<
    'info' | 'warn' | 'error',
    (message: string, fields: Record<string, unknown>) => void
  >;
}

/** What became of one place for a worker at a reload. */
export interface Reloaded {
  readonly pool: string;
  readonly slot: number;
  readonly outcome: 'replaced' | 'start_failed';
  /** Why it failed: Python's traceback where there is one. */
  readonly error?: string | undefined;
}

/** Ends what a companion began. */
export type End = () => void | Promise<void>;

/** What goes along with a running instance without being part of it. */
export interface Companions {
  /** Begun when the ops server listens, ended after everything else. */
  readonly listening?: ((runtime: ServedRuntime) => Promise<End>) | undefined;
  /** Begun when every pool is ready, ended when the end is asked for. */
  readonly ready?: ((runtime: ServedRuntime) => Promise<End>) | undefined;
}

export interface ShutdownSettings {
  /** How long requests are still taken after the first signal. */
  readonly delayMs: number;
  /** What running requests get after that. */
  readonly drainMs: number;
}

/** How long a process that has lost its mind may take to put its things away. */
const CRASH_CLOSE_MS = 2000;

/** How an instance is served. */
export interface Serving {
  readonly start: () => Promise<ServedRuntime>;
  readonly shutdown: ShutdownSettings;
  readonly companions?: Companions | undefined;
}

/**
 * Starts, says on standard output when all is ready, and serves until a signal ends it.
 *
 * @returns 0 after an orderly end; 1 when a pool could not start
 */
export const serveUntilStopped = async (
  { start, shutdown, companions = {} }: Serving,
  terminal: Pick<Terminal, 'out' | 'err'>,
): Promise<ExitCode> => {
  const signals = new StopSignals((code) => process.exit(code));
  let runtime: ServedRuntime | undefined;
  let unannounce: End | undefined;
  const crashed = onCrash((error, origin) => crash(error, origin, runtime, terminal));
  try {
    // Before it has started there is nothing to drain: here the second signal already ends the process.
    signals.hurry.addEventListener('abort', () => {
      if (runtime === undefined) process.exit(1);
    });
    runtime = await start();
    unannounce = await companions.listening?.(runtime);
    const ready = await becomeReady(runtime, signals.stop);
    if (ready) await serveReady(runtime, companions, { stop: signals.stop, out: terminal.out });
    await shutDown(runtime, { ...shutdown, delayMs: ready ? shutdown.delayMs : 0 }, signals.hurry);
    return 0;
  } catch (error) {
    const code = report(error, terminal);
    await runtime?.close(0).catch((failure: unknown) => report(failure, terminal));
    return code;
  } finally {
    await unannounce?.();
    crashed.dispose();
    signals.dispose();
  }
};

/** From ready to the signal that asks for the end. */
const serveReady = async (
  runtime: ServedRuntime,
  companions: Companions,
  { stop, out }: { readonly stop: AbortSignal; readonly out: Terminal['out'] },
): Promise<void> => {
  const end = await companions.ready?.(runtime);
  out(`${readyLine(runtime)}\n`);
  await aborted(stop);
  await end?.();
};

/** Whether it became ready before somebody asked for the end. */
const becomeReady = async (runtime: ServedRuntime, stop: AbortSignal): Promise<boolean> => {
  const ready = runtime.ready().then(() => !stop.aborted);
  // When the signal wins, a start that fails because of it is no failure any more.
  ready.catch(() => {});
  return Promise.race([ready, aborted(stop).then(() => false)]);
};

const readyLine = ({ gatewayUrl, opsUrl, dashboardUrl, grpcHealthAddress }: ServedRuntime): string =>
  JSON.stringify({
    event: 'snakepit.ready',
    url: gatewayUrl ?? null,
    ops_url: opsUrl ?? null,
    ...(dashboardUrl !== undefined && { dashboard_url: dashboardUrl }),
    ...(grpcHealthAddress !== undefined && { grpc_health_address: grpcHealthAddress }),
    pid: process.pid,
  });

const shutDown = async (
  runtime: ServedRuntime,
  { delayMs, drainMs }: ShutdownSettings,
  hurry: AbortSignal,
): Promise<void> => {
  runtime.beginShutdown();
  if (delayMs > 0) await sleep(delayMs, undefined, { signal: hurry }).catch(() => {});
  await Promise.race([runtime.drain(hurry.aborted ? 0 : drainMs), aborted(hurry)]);
  // Nothing is waited for twice.
  await runtime.close(0);
};

const onCrash = (handle: (error: unknown, origin: string) => void) => {
  const exception = (error: unknown) => handle(error, 'uncaughtException');
  const rejection = (reason: unknown) => handle(reason, 'unhandledRejection');
  process.on('uncaughtException', exception);
  process.on('unhandledRejection', rejection);
  return {
    dispose: () => {
      process.off('uncaughtException', exception);
      process.off('unhandledRejection', rejection);
    },
  };
};

let crashing = false;

/** After an error nobody handled nothing can be relied on: it is logged, workers are ended, and the process with them. */
const crash = async (
  error: unknown,
  origin: string,
  runtime: ServedRuntime | undefined,
  terminal: Pick<Terminal, 'err'>,
): Promise<void> => {
  if (crashing) return;
  crashing = true;
  try {
    if (runtime === undefined) report(error, terminal);
    else {
      runtime.logger.error(`An error was not handled (${origin}); the process ends.`, {
        event: `snakepit.serve.${origin}`,
        err: error,
      });
    }
    await Promise.race([runtime?.close(0), sleep(CRASH_CLOSE_MS)]);
  } catch {
    // What ends it has been said; there is nobody left to tell more.
  } finally {
    await exitAfterFlush(1);
  }
};
