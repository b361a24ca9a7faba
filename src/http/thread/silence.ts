import type { ResolvedOptions } from '../../config/index.ts';
import { listenerAccess, mountedAccess } from '../access.ts';
import { createOpsApp } from '../ops/app.ts';
import type { HealthCheck, HealthReader, HealthReport } from '../ports.ts';
import { PROBLEM_TYPE, problemOf, Refusal } from '../problem.ts';
import type { Heart } from './heart.ts';
import type { Site } from './messages.ts';

/** The options of the ops server that its thread needs. */
export type ThreadOps = Pick<
  ResolvedOptions['ops'],
  'host' | 'token' | 'insecure' | 'allowedHosts' | 'open' | 'prefix' | 'stuckAfterMs'
>;

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;

const WHY = 'synchronous work holds the main thread of the Node process, or it has stopped';
const REMEDY =
  'Find what blocks it: a CPU profile (node --cpu-prof) shows it. Move long work to a worker thread or a Python worker.';

const checkOf = (status: HealthCheck['status'], silentMs: number): HealthCheck => ({
  name: 'main_thread',
  status,
  message: `The main thread has not run for ${seconds(silentMs)}`,
  ...(status !== 'ok' && { why: WHY, remedy: REMEDY }),
});

/** Health as far as it can be known without the main thread. */
const healthWithout = (heart: Heart, stuckAfterMs: number): HealthReader => {
  const report = (status: HealthCheck['status']): HealthReport => ({
    status,
    checks: [checkOf(status, heart.silentMs)],
  });
  const probes: Pick<HealthReader, 'checkHealth' | 'checkReadiness' | 'startup'> = {
    checkHealth: () => report(heart.silentMs >= stuckAfterMs ? 'error' : 'warning'),
    checkReadiness: () => report('error'),
    startup: () => ({ ...report('error'), started: false, workers: [] }),
  };
  // Only probe paths come here.
  return probes as HealthReader;
};

/** Answers probes while the main thread does not: by the same rules as it would, so that a caller sees no more than usual. */
export const probesWithout = (heart: Heart, options: ThreadOps) => {
  const health = healthWithout(heart, options.stuckAfterMs);
  const appOf = (site: Site) =>
    createOpsApp({
      metrics: null,
      health,
      options: site === 'ops' ? options : { prefix: options.prefix, open: [] },
      access: site === 'ops' ? listenerAccess('ops', options) : mountedAccess({}),
    });
  const apps = new Map<Site, ReturnType<typeof appOf>>();
  return async (site: Site, request: Request): Promise<Response> => {
    const app = apps.get(site) ?? appOf(site);
    apps.set(site, app);
    return app.fetch(request);
  };
};

/** The answer to everything else while the main thread does not run. */
export const unresponsive = (silentMs: number): Response => {
  const { problem } = problemOf(
    new Refusal(
      'unresponsive',
      `The main thread has not run for ${seconds(silentMs)}, so this cannot be answered: ${WHY}. ${REMEDY}`,
      { members: { category: 'system', retryable: true } },
    ),
  );
  return new Response(JSON.stringify(problem), {
    status: problem.status,
    headers: { 'content-type': PROBLEM_TYPE, 'cache-control': 'no-store', 'retry-after': '1' },
  });
};
