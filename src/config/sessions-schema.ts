import { z } from 'zod';
import { duration, positive } from './fields.ts';

/** The options of sessions; see schema.ts. */
export const sessionsSchema = z
  .strictObject({
    store: z
      .enum(['memory', 'redis'])
      .default('memory')
      .describe(
        '`memory`: of this process; `redis`: Redis or Valkey, shared by several processes. Needs the npm package `ioredis`.',
      ),
    url: z
      .string()
      .regex(/^rediss?:\/\//, 'redis://… or, over TLS, rediss://…')
      .default('redis://127.0.0.1:6379')
      .describe('Where Redis is.')
      .meta({ secret: true }),
    keyPrefix: z
      .string()
      .regex(/^[A-Za-z0-9._:-]{1,64}$/, '1 to 64 characters of A-Z a-z 0-9 . _ : -')
      .default('snakepit')
      .describe('Before every key in Redis: what has the same one shares its sessions.'),
    timeoutMs: duration(1000, 'What Redis gets to answer; after that `session_store_unavailable`.'),
    critical: z
      .boolean()
      .default(true)
      .describe('Whether readiness needs the store. In memory it is always there.')
      .meta({ live: true }),
    ttlMs: duration(3_600_000, 'Time without use after which a session is gone.').meta({ live: true }),
    maxSessions: positive(10_000, 'Sessions kept at most.').meta({ live: true }),
    evict: z
      .enum(['oldest', 'none'])
      .default('oldest')
      .describe(
        'What happens when there are too many: `oldest`: the one used longest ago gives way; `none`: the new one is refused with `session_store_unavailable`.',
      )
      .meta({ live: true }),
    maxDataBytes: positive(2 ** 20, 'Largest encoded data of one session. Bytes.'),
  })
  .prefault({})
  .describe('Sessions: data that belongs to a `sessionId` and lives from request to request.');
