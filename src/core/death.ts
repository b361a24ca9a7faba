import { monotonic } from '../events/index.ts';
import type { ProcessExit } from '../process/index.ts';
import type { Failure, LinkFault } from '../transport/index.ts';
import { type Death, type EndReason, isPlanned, type WorkerStatus } from './worker-status.ts';

/** The worker, as it was when it died. */
interface Deceased {
  readonly id: string;
  readonly pid: number | undefined;
  readonly address?: string | undefined;
  readonly status: WorkerStatus;
  readonly load: { readonly running: number };
}

/** What is known when a process is gone. */
interface Remains {
  readonly exit: ProcessExit;
  readonly fault: LinkFault | undefined;
  readonly failure: Failure | undefined;
  /** We sent SIGKILL. */
  readonly killed: boolean;
  /** We sent it because its connections had ended while it lived. */
  readonly abandoned: boolean;
}

/** Finds out why a worker ended. Its status must still be the one it died in. */
export const explainDeath = (worker: Deceased, remains: Remains): Death => {
  const { exit, fault, failure } = remains;
  const { status } = worker;
  const why = reasonOf(worker, remains);
  const drainMs = status.kind === 'draining' ? monotonic() - status.since : 0;
  return {
    why,
    exit,
    detail: why === fault?.code ? fault.message : inWords(worker, remains),
    failure,
    drainMs,
    ...(fault?.grpc !== undefined && { grpc: fault.grpc }),
  };
};

const reasonOf = (worker: Deceased, { exit, fault, killed, abandoned }: Remains): EndReason => {
  const { status } = worker;
  if (status.kind === 'starting') return 'start_failed';
  if (status.kind !== 'draining') return 'crashed';
  const { why } = status;
  // It lived when both its connections ended: nobody but us has killed it.
  if (abandoned && why === 'crashed') return 'transport_error';
  // A frame cut short by the end of its process is a crash, not a fault of the protocol.
  if (fault?.truncated && !abandoned) return 'crashed';
  // Asked to end it may still have crashed on the way: by a signal nobody sent it, or under what it had to finish.
  const unasked = exit.signal !== null && exit.signal !== 'SIGTERM' && !killed;
  if (isPlanned(why) && (unasked || (worker.load.running > 0 && !killed))) return 'crashed';
  return why;
};

const inWords = (worker: Deceased, { exit, abandoned }: Remains): string => {
  const who = `Worker ${worker.id} ${worker.address === undefined ? `(pid ${worker.pid ?? 'none'})` : `at ${worker.address}`}`;
  if (abandoned) return `${who} closed its connections while it kept running, and was killed.`;
  if (exit.error !== undefined) return `${who} could not be started: ${exit.error.message}.`;
  if (exit.code === null && exit.signal === null) return `${who} was let go.`;
  return `${who} ended with ${exit.signal ?? `exit code ${exit.code}`}.`;
};
