import { isMainThread } from 'node:worker_threads';
import { WorkerProcess } from '../process/index.ts';
import type { Transport } from '../transport/index.ts';
import type { Worker } from './worker.ts';

/** What every worker process of a pool is started with. */
export interface LaunchSettings {
  /** The interpreter. */
  readonly python: string;
  readonly cwd: string;
  /** Environment of the worker in a slot, without what the link adds. */
  readonly envOf: (slot: number) => Record<string, string>;
  readonly transport: Transport;
}

/**
 * Whose death a worker follows. Linux ties that to the thread that spawned it, so it is not told of a thread that may end long before
 * the process does.
 */
const hostPid: Record<string, string> = isMainThread ? { SNAKEPIT_HOST_PID: String(process.pid) } : {};

/** Starts the process behind a worker. `-X utf8` makes text mean UTF-8 whatever the locale is; `-u` is not needed, since the runtime writes lines itself. */
export const launch = async (worker: Worker, settings: LaunchSettings): Promise<void> => {
  const link = await settings.transport.open({ workerId: worker.id, slot: worker.slot }, worker);
  const child = new WorkerProcess({
    command: settings.python,
    args: ['-X', 'utf8', '-m', 'snakepit._worker'],
    cwd: settings.cwd,
    env: { ...settings.envOf(worker.slot), ...hostPid, ...link.env },
    onLine: (stream, line) => worker.line(stream, line),
    onExit: (exit) => worker.exited(exit),
  });
  worker.attach(link, child);
};
