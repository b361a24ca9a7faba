import { isMainThread } from 'node:worker_threads';
import { type Guardian, type ProcessExit, WorkerProcess } from '../process/index.ts';
import type { RemoteTransport, Transport } from '../transport/index.ts';
import type { Worker, WorkerHandle } from './worker.ts';
import { isPlanned } from './worker-status.ts';

/** Starts what is behind a worker. Rejects when not even a link could be made. */
export type Launcher = (worker: Worker) => Promise<void>;

/** What every worker process of a pool is started with. */
export interface LaunchSettings {
  /** The interpreter. */
  readonly python: string;
  readonly cwd: string;
  /** Environment of the worker in a slot, without what the link adds. */
  readonly envOf: (slot: number) => Record<string, string>;
  readonly outputRate: { readonly perSecond: number; readonly burst: number };
  /** Asked at each start. */
  readonly stackSignal: () => boolean;
  readonly transport: Transport;
  readonly guardian: Guardian;
}

/**
 * Whose death a worker follows. Linux ties that to the thread that spawned it, so it is not told of a thread that may end long before
 * the process does.
 */
const hostPid: Record<string, string> = isMainThread ? { SNAKEPIT_HOST_PID: String(process.pid) } : {};

const SOCKET_WORKER = ['-m', 'snakepit._worker'];

/** Starts Python processes. `-X utf8` makes text mean UTF-8 whatever the locale is; `-u` is not needed, since the runtime writes lines itself. */
export const processLauncher =
  (settings: LaunchSettings): Launcher =>
  async (worker) => {
    const { transport, guardian, outputRate, stackSignal } = settings;
    const link = await transport.open({ workerId: worker.id, slot: worker.slot }, worker);
    const child = new WorkerProcess({
      command: settings.python,
      args: ['-X', 'utf8', ...(link.args ?? SOCKET_WORKER)],
      cwd: settings.cwd,
      env: { ...settings.envOf(worker.slot), ...hostPid, ...link.env },
      outputRate,
      stackSignal: stackSignal(),
      onLine: (stream, line, fate) => worker.line(stream, line, fate),
      onExit: (exit) => {
        if (child.pid !== undefined) guardian.forget(child.pid);
        worker.exited(exit);
      },
    });
    if (child.pid !== undefined) guardian.watch(child.pid);
    worker.attach(link, child);
  };

/** Connects to workers that somebody else has started. */
export const remoteLauncher =
  (transport: RemoteTransport): Launcher =>
  async (worker) => {
    let exit: ProcessExit = { code: null, signal: null };
    const link = transport.open({ workerId: worker.id, slot: worker.slot }, worker, {
      onExit(seen, tail) {
        exit = seen;
        for (const line of tail) worker.line('stderr', line, 'dropped');
      },
      onClosed: () => worker.exited(exit),
    });
    // One whose address has left the name is only taken leave of.
    const stays = () => transport.addresses.peek(worker.slot) === link.address;
    const handle: WorkerHandle = {
      pid: undefined,
      get address() {
        return link.address;
      },
      signal(signal) {
        const why = worker.status.kind === 'draining' ? worker.status.why : undefined;
        // It belongs to somebody else: its process ends only where it is to be replaced, and another is started in its place there.
        if (signal === 'SIGKILL' && why === 'stuck') link.end({ kill: true, restart: true });
        else if (signal !== 'SIGKILL' && stays() && why !== undefined && isPlanned(why) && why !== 'stopped')
          link.end({ kill: false, restart: true });
        else link.close();
      },
      dumpStacks: () => Promise.resolve(''),
    };
    worker.attach(link, handle);
    link.connect();
  };
