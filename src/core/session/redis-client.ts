import { loadPeer } from '../../errors/index.ts';
import { OPEN, REMOVE, SWEEP, WRITE } from './redis-scripts.ts';

/** A reply: bulk strings as they are, since data is binary. */
export type Reply = Buffer | number | null | Reply[];
type Call = (...args: (string | number | Uint8Array)[]) => Promise<Reply>;

/** What the store needs of a Redis client. */
export interface RedisClient {
  readonly open: Call;
  readonly write: Call;
  readonly remove: Call;
  readonly sweep: Call;
  readonly read: Call;
  /** Whether commands would reach the server now. */
  readonly connected: () => boolean;
  readonly close: () => void;
}

/** Where the server is, and how long it may take. */
export interface RedisSettings {
  readonly url: string;
  readonly timeoutMs: number;
  /** Told of each fault of the connection. */
  readonly onFault: (error: Error) => void;
}

const MAX_RECONNECT_MS = 1000;

/**
 * A client by ioredis, an optional peer dependency.
 *
 * Commands whose answer was lost with the connection are sent again by it. That is safe: each script does the same when it is run twice.
 *
 * @throws SnakepitError `invalid_configuration` when the package is not installed
 */
export const connectRedis = async ({ url, timeoutMs, onFault }: RedisSettings): Promise<RedisClient> => {
  const { Redis } = await loadPeer('ioredis', 'sessions.store', () => import('ioredis'));
  const redis = new Redis(url, {
    lazyConnect: true,
    commandTimeout: timeoutMs,
    connectTimeout: timeoutMs,
    maxRetriesPerRequest: null,
    retryStrategy: (times: number) => Math.min(MAX_RECONNECT_MS, 25 * 2 ** Math.min(times, 6)),
  });
  redis.on('error', onFault);
  redis.connect().catch(onFault);
  const scripts = { snakepitOpen: OPEN, snakepitWrite: WRITE, snakepitRemove: REMOVE, snakepitSweep: SWEEP };
  for (const [name, lua] of Object.entries(scripts)) {
    redis.defineCommand(name, { lua, numberOfKeys: name === 'snakepitSweep' ? 1 : 2 });
  }
  const calls = redis as unknown as Record<string, Call>;
  const call =
    (name: string): Call =>
    (...args) =>
      (calls[`${name}Buffer`] as Call).apply(redis, args);
  return {
    open: call('snakepitOpen'),
    write: call('snakepitWrite'),
    remove: call('snakepitRemove'),
    sweep: call('snakepitSweep'),
    read: call('hmget'),
    connected: () => redis.status === 'ready',
    close: () => redis.disconnect(),
  };
};
