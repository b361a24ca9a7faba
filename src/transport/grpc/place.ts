import type { ChannelCredentials, ChannelOptions, Metadata } from '@grpc/grpc-js';
import type { ProcessExit } from '../../process/index.ts';
import type { GrpcJs } from './grpc.ts';

/** How to reach a worker, worked out at each connect. */
export interface Target {
  /** As gRPC reads it, e.g. `unix:/run/x/w1.sock` or `dns:10.0.0.7:7000`. */
  readonly target: string;
  readonly credentials: ChannelCredentials;
  readonly options: ChannelOptions;
  /** Adds what gives the right to call. */
  readonly authorize: (metadata: Metadata) => void;
}

/** Where a worker is. */
export interface Place {
  /** For messages. */
  readonly address: string;
  /** Whether somebody else has started it. */
  readonly remote: boolean;
  /** Calls are given up after so long where nothing answers. */
  readonly helloTimeoutMs: number;
  /** Waits until there is something to connect to, where that is known, and says how. Rejects with a message for people. */
  locate(grpc: GrpcJs, closed: AbortSignal): Promise<Target>;
  /** The process that ran the handlers has ended. */
  onExit(exit: ProcessExit, stderrTail: readonly string[]): void;
  /** The link is closed, after {@link LinkHandler.closed}. */
  onClosed(): void;
}
