import type { LogLevel } from '../../events/index.ts';

/** Which events a viewer wants. What is left out does not matter. */
export interface LiveFilter {
  /** Names or patterns; an event passes if it matches one of them. */
  readonly patterns?: readonly string[] | undefined;
  readonly pool?: string | undefined;
  readonly command?: string | undefined;
  readonly correlationId?: string | undefined;
  readonly requestId?: string | undefined;
  /** The least that passes. */
  readonly level?: LogLevel | undefined;
}

/** How a viewer wants them. */
export interface WatchOptions {
  /** The id of the last event it got, from `Last-Event-ID`: what has come since is sent first. */
  readonly lastEventId?: string | undefined;
  /** Epoch milliseconds: what is kept from then on is sent first. Without meaning beside {@link WatchOptions.lastEventId}. */
  readonly since?: number | undefined;
  /** Up to 20 flushes a second and 1000 events, for somebody who reads along. Default: 4 flushes and 200 events. */
  readonly immediate?: boolean | undefined;
}

/** What became of the events that matched a viewer's filter: matched = sent + dropped + pending. */
export interface ViewerCounts {
  readonly matched: number;
  readonly sent: number;
  readonly dropped: number;
  readonly pending: number;
}

/** One who looks. */
export interface LiveViewer {
  /** The next part of the stream, in the wire format of server-sent events; undefined at its end. One call at a time. Shared with others: for reading only. */
  next(): Promise<Uint8Array | undefined>;
  /** A comment for a silent connection, with the id up to which it has seen everything. */
  heartbeat(): Uint8Array;
  /** Looks no more. */
  close(): void;
  counts(): ViewerCounts;
}

/** Why nobody more may look: there are as many as may be, or all is coming to its end. */
export type Refused = 'full' | 'ended';
