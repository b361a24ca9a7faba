import type { CodecName } from '../codec/index.ts';
import type { WorkerLink } from '../contract.ts';

/*
 * What the outside knows of the gRPC transport. Nothing here mentions the library: whoever installs no gRPC must be able to check types against this package.
 */

/** What a worker is told at Hello. */
export interface GreetingSettings {
  readonly poolName: string;
  readonly maxFrameBytes: number;
  readonly statsIntervalMs: number;
  readonly codecs: readonly CodecName[];
  readonly logRate: { readonly perSecond: number; readonly burst: number };
  readonly maxSessionBytes: number;
}

/** What a gRPC link needs to know of its pool. */
export interface GrpcLinkSettings extends GreetingSettings {
  /** Whether requests go in batches where the worker can. */
  readonly exchange: boolean;
}

/** A link to a worker that somebody else has started. */
export interface RemoteLink extends WorkerLink {
  /** Where it is. */
  readonly address: string;
  connect(): void;
  /** Has the process that runs the handlers end, at once or when it is done; `restart`: another takes its place. */
  end(how: { readonly kill: boolean; readonly restart: boolean }): void;
}
