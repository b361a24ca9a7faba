import { Errors } from '../../src/consumers/errors/index.ts';
import type { Recycled, WorkerStacks } from '../../src/core/port.ts';
import { SnakepitError } from '../../src/errors/index.ts';
import { EventBus, type PoolSnapshot } from '../../src/events/index.ts';
import type { OpsControl } from '../../src/http/ports.ts';
import { cleanup } from './support.ts';

export const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

/** The errors consumer on a bus of its own. */
export const errorsOf = () => {
  const bus = new EventBus();
  const errors = new Errors({ bus });
  cleanup(() => errors.close());
  const fail = (message: string, more: Record<string, unknown> = {}) =>
    bus.emit(
      ['snakepit', 'request', 'failed'],
      { duration_ms: 1 },
      {
        ...{ pool_name: 'default', command: 'predict', worker_id: 'w-1', worker_slot: 0, message },
        ...{ code: 'python_exception', category: 'request', retryable: false },
        error: {
          error_type: 'PythonException',
          error_message: message,
          python_traceback: `Traceback of ${message}`,
        },
        ...more,
      },
    );
  return { bus, errors, fail };
};

const pool = (name: string, ids: readonly string[], extra: readonly string[] = []) =>
  ({
    name,
    workers: [...ids, null].map((id, slot) => ({ id, slot })),
    extra_workers: extra.map((id) => ({ id, slot: 0 })),
    quarantined_requests: [
      { command: `${name}_crash`, args_hash: '0123456789abcdef', deaths: 3, until: 1000 },
    ],
  }) as unknown as PoolSnapshot;

export const recycled: Recycled = {
  slot: 0,
  old_worker_id: 'w-1',
  new_worker_id: 'w-3',
  outcome: 'replaced',
  duration_ms: 12,
};

export const stacks: WorkerStacks = {
  worker_id: 'w-1',
  pid: 17,
  captured: 'control_thread',
  took_ms: 1,
  threads: 'File "app.py", line 3',
  requests: [],
};

/** A core that says what it was told to do. */
export const controlOf = (change: Partial<OpsControl> = {}): OpsControl & { readonly asked: unknown[][] } => {
  const asked: unknown[][] = [];
  const note =
    <T>(known: readonly string[], code: 'no_workers' | 'unknown_pool', result: T) =>
    (name: string): T => {
      asked.push([name]);
      if (known.includes(name)) return result;
      throw new SnakepitError(code, `There is no '${name}'.`);
    };
  const workers = ['w-1', 'w-2', 'w-9', 'a worker/ü'];
  const recycleWorker = note(workers, 'no_workers', recycled);
  const recyclePool = note(['default', 'gpu'], 'unknown_pool', [recycled]);
  const stackOf = note(workers, 'no_workers', stacks);
  return {
    asked,
    snapshot: () => ({
      timestamp: 1000,
      uptime_ms: 5,
      sessions: null,
      pools: { default: pool('default', ['w-1', 'w-2'], ['w-9']), gpu: pool('gpu', []) },
    }),
    recycleWorker: async (id) => recycleWorker(id),
    recyclePool: async (name) => recyclePool(name),
    stackOf: async (id) => stackOf(id),
    unquarantine: note(['default', 'gpu'], 'unknown_pool', { slots: [1], requests: 2 }),
    drain: async (within) => {
      asked.push(['drain', within]);
      return true;
    },
    ...change,
  };
};
