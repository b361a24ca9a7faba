import type { Context } from 'hono';

/** What a caller may see at an endpoint. */
export interface View {
  /** False for a caller from afar at a probe: the status and nothing else. */
  readonly details: boolean;
  /** The endpoints this caller may read, by name. */
  links(): Readonly<Record<string, string>>;
}

/** One read-only path of the ops server. */
export interface Endpoint {
  /** Without the prefix. */
  readonly path: string;
  /** Answers everybody, with any `Host`: orchestrators and load balancers ask here. */
  readonly probe?: true;
  /** Name under `links` of `/health`; other spellings of a path have none. */
  readonly link?: string;
  answer(c: Context, view: View): Response | Promise<Response>;
}
