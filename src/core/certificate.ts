import type { WorkerExit } from '../errors/index.ts';
import type { Request } from './request.ts';
import type { Worker } from './worker.ts';
import type { Death } from './worker-status.ts';

/** Looks at what the kernel counts of its out-of-memory killer, over the life of a worker. */
export interface OomWitness {
  /** The worker is about to be started. */
  born(worker: Worker): void;
  /** It is dead: whether the killer struck meanwhile, in words. */
  evidence(worker: Worker): string | undefined;
}

/**
 * Writes the death certificate of a worker: what ended it, and what it was like before.
 *
 * @param lost - the requests that were running in it
 * @param oomEvidence - what speaks for the kernel's out-of-memory killer
 */
export const certify = (
  worker: Worker,
  death: Death,
  lost: readonly Request[],
  oomEvidence: string | undefined,
  now: number,
): WorkerExit => {
  const { vitals, load, spawnedAt } = worker;
  return {
    code: death.exit.code,
    signal: death.exit.signal,
    oom: oomEvidence !== undefined,
    ...(oomEvidence !== undefined && { oom_evidence: oomEvidence }),
    stderr_tail: [...vitals.stderrTail],
    ...(vitals.lastStack !== undefined && { last_stack: vitals.lastStack }),
    in_flight: lost.map((request) => request.requestId),
    uptime_seconds: Math.round(now - spawnedAt) / 1000,
    requests: load.finished,
    memory_mb: vitals.memoryCurve,
    ...(vitals.last !== undefined && { cpu_seconds: vitals.last.cpuSeconds }),
  };
};
