import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import Negotiator from 'negotiator';
import { PROBLEM_TYPE, type ProblemAnswer } from './problem.ts';

/** On every answer: it is of this moment, and of the type it says. */
const common = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };

type Headers = Readonly<Record<string, string>>;

/** Answers with text or bytes. The length is set here so that HEAD carries it too. */
export const send = (
  c: Context,
  status: number,
  contentType: string,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Headers = {},
): Response =>
  c.body(body, status as ContentfulStatusCode, {
    ...common,
    'content-type': contentType,
    'content-length': String(Buffer.byteLength(body)),
    ...headers,
  });

/** Answers with what comes, as it comes. */
export const sendStream = (
  c: Context,
  contentType: string,
  body: ReadableStream<Uint8Array>,
  headers: Headers = {},
): Response => c.body(body, 200, { ...common, 'content-type': contentType, ...headers });

/** Answers with JSON. */
export const sendJson = (
  c: Context,
  status: number,
  value: unknown,
  headers: Headers = {},
  contentType = 'application/json',
): Response => send(c, status, contentType, JSON.stringify(value), headers);

/** Answers with a problem (RFC 9457). */
export const sendProblem = (c: Context, { problem, headers }: ProblemAnswer): Response =>
  sendJson(c, problem.status, problem, headers, PROBLEM_TYPE);

/** The media type on offer that the caller likes best; the first where it states no preference or likes none. */
export const preferredType = <T extends string>(c: Context, offered: readonly [T, ...T[]]): T => {
  const accept = c.req.header('accept');
  if (accept === undefined) return offered[0];
  return (new Negotiator({ headers: { accept } }).mediaType(offered) as T | undefined) ?? offered[0];
};

/** Whether the caller takes gzip and likes it no less than plain bytes. */
export const acceptsGzip = (c: Context): boolean => {
  const encodings = c.req.header('accept-encoding');
  if (encodings === undefined) return false;
  return (
    new Negotiator({ headers: { 'accept-encoding': encodings } }).encoding(['gzip', 'identity']) === 'gzip'
  );
};
