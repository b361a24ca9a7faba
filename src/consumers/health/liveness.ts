import type { HealthOptions } from './criteria/finding.ts';
import type { Look } from './look.ts';
import type { HealthCheck, HealthReport } from './types.ts';
import { seconds, worstOf } from './verdict.ts';

/** Liveness: whether a restart would help. Of what others do (dependencies, load, errors) nothing counts. */
export const judgeLiveness = (
  { snapshot, pools, fault }: Look,
  { failWhile }: HealthOptions['liveness'],
  shutdown: boolean,
): HealthReport => {
  if (fault !== undefined) return { status: 'error', checks: [fault] };
  const levels = Object.values(snapshot.pools);
  if (levels.length > 0 && levels.every((pool) => pool.state === 'closed'))
    return { status: 'error', checks: [CLOSED] };
  const checks: HealthCheck[] = [
    { name: 'core', status: 'ok', message: `Answering, up ${seconds(snapshot.uptime_ms)}` },
  ];
  const starting = pools.filter(({ started }) => !started);
  if (failWhile.includes('starting') && starting.length > 0)
    checks.push(phase('starting', `${starting.map(({ name }) => name).join(', ')} had no ready worker yet`));
  if (failWhile.includes('draining') && (shutdown || levels.some((pool) => pool.state === 'draining')))
    checks.push(phase('draining', 'what runs is finished, nothing new is taken'));
  return { status: worstOf(checks), checks };
};

const CLOSED: HealthCheck = {
  name: 'core',
  status: 'error',
  message: 'Closed',
  why: 'every pool was closed',
  remedy: 'Create a new instance, or end the process.',
};

const phase = (name: 'starting' | 'draining', why: string): HealthCheck => ({
  name,
  status: 'error',
  message: name === 'starting' ? 'Starting' : 'Draining',
  why: `${why}, and health.liveness.failWhile names this phase`,
  remedy: `Take '${name}' out of health.liveness.failWhile unless a restart is meant.`,
});
