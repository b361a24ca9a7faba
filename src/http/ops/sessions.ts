import type { Context } from 'hono';
import type { Snapshot } from '../../events/index.ts';
import { sendJson } from '../respond.ts';

/** `/health/sessions`: the store, how full it is, and how it does. */
export const sendSessions = (c: Context, { sessions }: Snapshot): Response => {
  if (sessions === null) return sendJson(c, 200, { status: 'ok', checks: [] });
  const { store, available, active, capacity, ttl_ms, with_worker, latency_ms, error } = sessions;
  const check = available
    ? { name: 'session_store', status: 'ok', message: 'The session store answers' }
    : {
        name: 'session_store',
        status: 'error',
        message: 'The session store does not answer',
        why: error ?? 'it was not reached yet',
        remedy: 'See that Redis runs at sessions.url and can be reached from here.',
      };
  const body = { store, available, active, capacity, ttl_ms, with_worker, latency_ms, checks: [check] };
  return sendJson(c, available ? 200 : 503, { status: check.status, ...body });
};
