import type { Context } from 'hono';
import type { ReaderSession } from '../reader-sessions.ts';

/** What a caller may see at an endpoint. */
export interface View {
  /** The login by which the caller may read, where nothing else lets it: what streams to it ends with that. */
  readonly session?: ReaderSession | undefined;
  /** False for a caller from afar at a probe: the status and nothing else. */
  readonly details: boolean;
  /** The endpoints this caller may read, by name. */
  links(): Readonly<Record<string, string>>;
}

/** A path that is asked by GET and changes nothing. */
export interface Read {
  /** Without the prefix; a part in braces stands for any: `/api/errors/{id}`. */
  readonly path: string;
  /** Answers everybody, with any `Host`: orchestrators and load balancers ask here. */
  readonly probe?: true;
  /** Answers also callers who could log in: it holds nothing of this instance. */
  readonly shell?: true;
  /** Name under `links` of `/health`; other spellings of a path have none. */
  readonly link?: string;
  answer(c: Context, view: View): Response | Promise<Response>;
}

/** A path that changes something. It is never asked by GET, and always with the token. */
export interface Change {
  readonly method: 'POST' | 'PATCH';
  /** As in {@link Read.path}. */
  readonly path: string;
  answer(c: Context): Response | Promise<Response>;
}

/** A path by which a browser logs in or out. The token is in the body, if anywhere; `refuseCrossSite` is the endpoint's own matter. */
export interface Entrance {
  readonly path: string;
  answer(c: Context): Response | Promise<Response>;
}

/** All paths of an ops server. */
export interface Endpoints {
  readonly reads: readonly Read[];
  readonly changes: readonly Change[];
  /** Asked by POST. */
  readonly entrances: readonly Entrance[];
}

/** The methods each path takes, as the header `Allow` lists them. */
export const allowedMethods = ({ reads, changes, entrances }: Endpoints): ReadonlyMap<string, string> => {
  const allowed = new Map(reads.map(({ path }) => [path, 'GET, HEAD']));
  const posts = entrances.map(({ path }) => ({ path, method: 'POST' }));
  for (const { path, method } of [...changes, ...posts]) {
    const before = allowed.get(path);
    allowed.set(path, before === undefined ? method : `${before}, ${method}`);
  }
  return allowed;
};
