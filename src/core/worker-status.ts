import type { RecycleReason, StartPhase } from '../events/index.ts';
import type { ProcessExit } from '../process/index.ts';
import type { Failure, LinkFault } from '../transport/index.ts';

/**
 * What a worker is, as one value. `busy` has no free slot. `exited` is the end.
 */
export type WorkerStatus =
  | { readonly kind: 'starting'; readonly phase: StartPhase }
  | { readonly kind: 'ready' }
  | { readonly kind: 'busy' }
  /** Takes nothing new; `why` tells the exit apart from a crash. */
  | { readonly kind: 'draining'; readonly why: EndReason; readonly since: number }
  | { readonly kind: 'exited'; readonly death: Death };

/** Why the host ended a worker, or found it ended. */
export type EndReason =
  | 'stopped'
  | RecycleReason
  | 'stuck'
  | 'start_failed'
  | 'protocol_error'
  | 'transport_error'
  | 'crashed';

/** The end of a worker. */
export interface Death {
  readonly why: EndReason;
  readonly exit: ProcessExit;
  /** In words, for messages. */
  readonly detail: string;
  readonly failure: Failure | undefined;
  /** How gRPC told it. */
  readonly grpc?: NonNullable<LinkFault['grpc']>;
  /** From the decision to end it; 0 where there was none. */
  readonly drainMs: number;
}

const planned: ReadonlySet<EndReason> = new Set<EndReason>([
  'stopped',
  'recycled_age',
  'recycled_requests',
  'recycled_memory',
  'reload',
]);

/** Whether it was asked to finish what it held, rather than given up. */
export const isPlanned = (why: EndReason): why is 'stopped' | RecycleReason => planned.has(why);

export const READY = { kind: 'ready' } as const;
export const BUSY = { kind: 'busy' } as const;
