import type { WorkerIdentity } from './contract.ts';

/** The version of proto/PROTOCOL.md this speaks. */
export const PROTOCOL = 1;
const DEFAULT_LOG_RATE = { perSecond: 500, burst: 2000 };
const DEFAULT_SESSION_BYTES = 2 ** 20;

/** What a worker of a pool is told when it starts. */
export interface WelcomeSettings {
  readonly poolName: string;
  readonly app: string;
  readonly cwd: string;
  readonly concurrency: number;
  readonly maxFrameBytes: number;
  readonly statsIntervalMs: number;
  /** Records a worker may print and log: in a second in the long run, and at once. Default: 500 and 2000. */
  readonly logRate?: { readonly perSecond: number; readonly burst: number };
  /** Largest encoded data of a session. Bytes, default 1 MiB. */
  readonly maxSessionBytes?: number;
}

/** The content of WELCOME, without the codec. */
export const welcomeContent = (
  settings: WelcomeSettings,
  identity: WorkerIdentity,
  progressFile: string,
): Record<string, unknown> => {
  const { perSecond, burst } = settings.logRate ?? DEFAULT_LOG_RATE;
  return {
    protocol: PROTOCOL,
    max_frame_bytes: settings.maxFrameBytes,
    pool_name: settings.poolName,
    worker_slot: identity.slot,
    concurrency: settings.concurrency,
    app: settings.app,
    cwd: settings.cwd,
    stats_interval_ms: settings.statsIntervalMs,
    progress_file: progressFile,
    log_rate: { per_second: perSecond, burst },
    max_session_bytes: settings.maxSessionBytes ?? DEFAULT_SESSION_BYTES,
  };
};
