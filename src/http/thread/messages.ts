/** What the listener's thread and the main thread say to each other. Everything here can be cloned. */

import type { Serving } from '../grpc-health/serving.ts';
import type { Topic } from '../page/frames.ts';

/** `ops` serves everything; `probes` is `ops.livenessPort`, which serves the probe paths alone. */
export type Site = 'ops' | 'probes';

/** What listens: the sites, which speak HTTP, and `ops.grpcPort`. */
export type Listening = Site | 'grpc';

/** Where something listens. */
export interface Address {
  readonly url: string;
  readonly host: string;
  readonly port: number;
}

/** Where something is to listen. */
export interface Bind {
  readonly site: Listening;
  readonly host: string;
  readonly port: number;
}

/** What a probe's answer depends on, for callers without token or cookie. */
export interface Asked {
  readonly site: Site;
  /** As in the request line. */
  readonly path: string;
  readonly host: string;
  readonly accept: string | undefined;
  /** Whether a proxy has passed it on. */
  readonly forwarded: boolean;
}

/** An answer as it is written. */
export interface Written {
  readonly status: number;
  /** Names and values in turn, as `writeHead` takes them. */
  readonly headers: readonly string[];
  readonly body: Uint8Array;
}

export type HeaderList = readonly (readonly [string, string])[];

/** From the listener's thread. */
export type ToMain =
  | { readonly kind: 'listening'; readonly addresses: Partial<Record<Listening, Address>> }
  | {
      readonly kind: 'failed';
      readonly site: Listening;
      readonly code: string | undefined;
      readonly message: string;
    }
  | { readonly kind: 'closed' }
  | { readonly kind: 'probe'; readonly key: string; readonly asked: Asked }
  | RequestHead
  /** A part of a request's body; null is its end. */
  | { readonly kind: 'body'; readonly id: number; readonly chunk: Uint8Array | null }
  | { readonly kind: 'body_failed'; readonly id: number }
  /** So many more parts of the answer may be sent. */
  | { readonly kind: 'credit'; readonly id: number; readonly chunks: number }
  /** The client has gone, or has been answered otherwise. */
  | { readonly kind: 'cancel'; readonly id: number };

export interface RequestHead {
  readonly kind: 'request';
  readonly id: number;
  readonly site: Site;
  readonly method: string;
  readonly url: string;
  readonly headers: HeaderList;
}

/** To the listener's thread. */
export type ToThread =
  | { readonly kind: 'listen'; readonly binds: readonly Bind[] }
  | { readonly kind: 'close'; readonly graceMs: number }
  | Probed
  | { readonly kind: 'forget'; readonly key: string }
  /** Which gRPC services serve, and what that was read from; see `Shared.version`. */
  | { readonly kind: 'serving'; readonly serving: Serving; readonly version: number }
  | ResponseHead
  | { readonly kind: 'chunk'; readonly id: number; readonly chunk: Uint8Array }
  | Told
  | { readonly kind: 'end'; readonly id: number }
  /** The answer broke off. */
  | { readonly kind: 'broken'; readonly id: number }
  /** The next part of the request's body is wanted. */
  | { readonly kind: 'pull'; readonly id: number };

/** For all who look at a topic. */
export type Told =
  | { readonly kind: 'frame'; readonly topic: Topic; readonly bytes: Uint8Array }
  /** Their last one. */
  | { readonly kind: 'farewell'; readonly bytes: Uint8Array };

/** The answer to a probe. */
export interface Probed {
  readonly kind: 'probed';
  readonly key: string;
  /** Undefined: it could not be made; ask as for any other path. */
  readonly written: Written | undefined;
  /** Where a use of it is noted, so that it is kept fresh; undefined: not to be kept. */
  readonly slot: number | undefined;
  /** What it was made from; see `Shared.version`. */
  readonly version: number;
}

export interface ResponseHead {
  readonly kind: 'head';
  readonly id: number;
  readonly status: number;
  readonly headers: HeaderList;
  readonly hasBody: boolean;
  /** Its body is what is told of these, after the one chunk that follows. Undefined: it comes chunk by chunk. */
  readonly topics?: readonly Topic[];
}

/** So many parts of an answer may be under way. */
export const WINDOW = 4;

/** A part with memory of its own, to be handed over: a clone would copy all of the memory that it is a view of. */
export const ownChunk = (chunk: Uint8Array): Uint8Array<ArrayBuffer> => Uint8Array.from(chunk);
