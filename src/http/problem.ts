import { type ErrorCategory, errorCodes, isSnakepitError, type SnakepitError } from '../errors/index.ts';

/** Refusals of the HTTP edge itself, where no request to a pool was made. */
const refusals = {
  bad_request: { status: 400, title: 'The request is not valid HTTP.' },
  malformed_body: { status: 400, title: 'The body is not a JSON object.' },
  unauthorized: { status: 401, title: 'The token is missing or wrong.' },
  forbidden: { status: 403, title: 'This request is not allowed from where it comes.' },
  not_found: { status: 404, title: 'Nothing is served at this path.' },
  method_not_allowed: { status: 405, title: 'The path does not take this method.' },
  restart_required: { status: 409, title: 'Some of it needs a restart; nothing was changed.' },
  version_conflict: { status: 412, title: 'The configuration has been changed meanwhile.' },
  invalid_configuration: { status: 422, title: 'The configuration would not be valid; nothing was changed.' },
  unsupported_media_type: { status: 415, title: 'The body is of a type that is not taken.' },
  too_many_attempts: { status: 429, title: 'Too many wrong tokens; wait before the next try.' },
  page_not_built: { status: 503, title: 'The live page has not been built.' },
  too_many_viewers: { status: 503, title: 'As many look at the events as may do so at once.' },
  shutting_down: { status: 503, title: 'The instance comes to its end.' },
  internal_error: { status: 500, title: 'The server failed to answer.' },
  unresponsive: { status: 503, title: 'The main thread of the process does not run.' },
} as const;

export type RefusalCode = keyof typeof refusals;

interface RefusalInit {
  readonly headers?: Readonly<Record<string, string>>;
  /** More members of the problem body. */
  readonly members?: Readonly<Record<string, unknown>>;
}

/** Thrown by handlers to answer with a problem. `message` says what was wrong, what was got and how to mend it. */
export class Refusal extends Error {
  readonly code: RefusalCode;
  readonly headers: Readonly<Record<string, string>>;
  readonly members: Readonly<Record<string, unknown>>;

  constructor(code: RefusalCode, message: string, { headers = {}, members = {} }: RefusalInit = {}) {
    super(message);
    this.code = code;
    this.headers = headers;
    this.members = members;
  }
}

/** A known path asked by a method it does not take. */
export const wrongMethod = (path: string, method: string, allow: string): Refusal =>
  new Refusal(
    'method_not_allowed',
    `${path} was asked by ${method}; it takes ${allow.replace(', ', ' and ')}.`,
    {
      headers: { allow },
    },
  );

/** A path that does not exist, with those that do. */
export const nothingAt = (path: string, endpoints: readonly string[]): Refusal =>
  new Refusal('not_found', `Nothing is served at ${path}. What you may ask for is in 'endpoints'.`, {
    members: { endpoints },
  });

/** Body of an error answer (RFC 9457). */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly category: ErrorCategory;
  readonly retryable: boolean;
  readonly [member: string]: unknown;
}

/** A problem with the headers that go with it. */
export interface ProblemAnswer {
  readonly problem: Problem;
  readonly headers: Readonly<Record<string, string>>;
}

export const PROBLEM_TYPE = 'application/problem+json';

const typeOf = (code: string) => `urn:snakepit:error:${code}`;

const ofRefusal = ({ code, message, headers, members }: Refusal): ProblemAnswer => {
  const { status, title } = refusals[code];
  return {
    headers,
    problem: {
      type: typeOf(code),
      title,
      status,
      detail: message,
      code,
      category: code === 'internal_error' ? 'system' : 'request',
      retryable: false,
      ...members,
    },
  };
};

/** Seconds, as RFC 9110 section 10.2.3 wants it. These two codes promise the header, so they have it even without an estimate. */
const retryAfter = ({ code, retryAfterMs }: SnakepitError): string | undefined => {
  if (retryAfterMs === undefined) return code === 'queue_full' || code === 'queue_timeout' ? '1' : undefined;
  return String(Math.max(1, Math.ceil(retryAfterMs / 1000)));
};

const ofError = (error: SnakepitError): ProblemAnswer => {
  const { code, category, retryable, httpStatus: status, message: detail } = error;
  const wait = retryAfter(error);
  return {
    headers: wait === undefined ? {} : { 'retry-after': wait },
    problem: { type: typeOf(code), title: errorCodes[code].about, status, detail, code, category, retryable },
  };
};

/** Whether an error is an answer meant for the caller, not a bug. */
export const isAnswer = (error: unknown): error is Refusal | SnakepitError =>
  error instanceof Refusal || isSnakepitError(error);

/** The problem for an error. A bug shows none of its insides. */
export const problemOf = (error: unknown): ProblemAnswer => {
  if (error instanceof Refusal) return ofRefusal(error);
  if (isSnakepitError(error)) return ofError(error);
  return ofRefusal(
    new Refusal('internal_error', 'The server failed to answer this request; its log says why.'),
  );
};
