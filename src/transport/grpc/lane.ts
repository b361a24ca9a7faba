import type { Client, Metadata } from '@grpc/grpc-js';
import type { Failed } from './failure.ts';
import type { Peer } from './grpc.ts';
import type { EventRecord, ExecuteReply, ExecuteRequest, LogRecord } from './messages.ts';

/** A connection as the parts of a link use it. */
export interface Wire extends Peer {
  readonly client: Client;
  /** Metadata for one more call: who asks, and with what right. */
  readonly metadata: () => Metadata;
}

/** What comes back on a lane. */
export interface LaneHandler {
  reply(id: number, reply: ExecuteReply): void;
  chunk(id: number, value: Buffer): void;
  failed(id: number, failed: Failed): void;
  log(id: number, log: LogRecord): void;
  event(id: number, event: EventRecord): void;
  /** Nothing more will come on it, though nobody has closed it. */
  broken(status: string, details: string): void;
  /** What came is not the protocol. */
  fault(what: string): void;
}

/** A way for requests: each a call of its own, or many in one stream. */
export interface Lane {
  /**
   * Sends a request.
   *
   * @returns its encoded size in bytes
   * @throws PayloadTooLarge above the limit
   */
  send(id: number, request: ExecuteRequest, streaming: boolean, timeoutMs: number): number;
  credit(id: number, count: number): void;
  cancel(id: number, reason: 'cancelled' | 'timeout'): void;
  /** The worker has given a request back: what it still says of it is not reported. */
  forget(id: number): void;
  /** Gives up whatever is open. Nothing is reported after it. */
  close(): void;
}
