import type { ResolvedOptions } from '../../config/index.ts';
import { MemoryStore } from './memory-store.ts';
import { connectRedis } from './redis-client.ts';
import { RedisStore } from './redis-store.ts';
import type { SessionStore } from './store.ts';

export { type SessionUse, sessionIdFault } from './session.ts';
export { Sessions, type SessionView } from './sessions.ts';
export type { SessionStore, StoreState } from './store.ts';

/** The store that the options name. Its `loaded()` tells whether what it needs is installed. */
export const createSessionStore = (options: ResolvedOptions['sessions']): SessionStore => {
  if (options.store === 'memory') return new MemoryStore(options);
  const { url, timeoutMs } = options;
  return new RedisStore(options, (onFault) => connectRedis({ url, timeoutMs, onFault }));
};
