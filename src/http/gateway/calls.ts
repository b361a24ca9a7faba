import { preferredType, sendJson, sendStream } from '../respond.ts';
import { readArguments } from './body.ts';
import { callOptionsOf } from './call-options.ts';
import { eventStream } from './event-stream.ts';
import { LOG_HEADER, readLogHeader } from './log-header.ts';
import type { GatewayContext, GatewayParts } from './parts.ts';
import { gatewayProblem } from './problems.ts';
import { toResultJson } from './result-json.ts';
import { serverTiming, timingsJson } from './timings.ts';

const EVENTS = 'text/event-stream';
const COMMENT_EVERY_MS = 15_000;

/** Whether the caller would rather have server-sent events than one JSON body. */
export const wantsEvents = (c: GatewayContext): boolean =>
  // The look spares most calls the parsing.
  c.req.header('accept')?.includes(EVENTS) === true &&
  preferredType(c, ['application/json', EVENTS]) === EVENTS;

/** A header that is of no use is ignored: it must not be what a call fails for. */
const logIfAsked = (c: GatewayContext, { options, log }: GatewayParts): void => {
  const header = c.req.header(LOG_HEADER);
  if (header === undefined || log === undefined) return;
  const correlationId = c.get('correlationId');
  const asked = readLogHeader(header, options.token, correlationId);
  if ('refused' in asked) log.refusedHeader(asked.refused);
  else log.logRequest(correlationId, asked);
};

const read = async (c: GatewayContext, parts: GatewayParts) => {
  const { options, pools } = parts;
  logIfAsked(c, parts);
  const callOptions = callOptionsOf(
    c.req.raw,
    c.req.query('pool'),
    c.get('correlationId'),
    pools,
    options.sessionKey,
  );
  return { callOptions, args: await readArguments(c.req.raw, options.maxBodyBytes) };
};

const command = (c: GatewayContext): string => c.req.param('command') ?? '';

/** Runs a command and answers with its result. A caller that hangs up cancels it. */
export const call = async (c: GatewayContext, parts: GatewayParts): Promise<Response> => {
  const { callOptions, args } = await read(c, parts);
  const { signal } = c.req.raw;
  const outcome = await parts.port.call(command(c), args, { ...callOptions, signal });
  const { requestId, correlationId, timings } = outcome;
  const { value, lossy } = toResultJson(outcome.result);
  const body = {
    result: value,
    request_id: requestId,
    correlation_id: correlationId,
    timings: timingsJson(timings),
    ...(lossy.length > 0 && { lossy }),
  };
  return sendJson(c, 200, body, {
    'x-request-id': requestId,
    'x-correlation-id': correlationId,
    'server-timing': serverTiming(timings),
  });
};

/** Runs a command and answers with its chunks as they come. Whatever happens once it has begun is an event, since the status is out. */
export const stream = async (c: GatewayContext, parts: GatewayParts): Promise<Response> => {
  const { callOptions, args } = await read(c, parts);
  const controller = new AbortController();
  const abort = () => controller.abort();
  const { signal } = c.req.raw;
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  const chunks = parts.port.stream(command(c), args, { ...callOptions, signal: controller.signal });
  const events = eventStream(chunks, {
    commentEveryMs: parts.commentEveryMs ?? COMMENT_EVERY_MS,
    problem: (error) => gatewayProblem(error, c, parts).problem,
    abort,
  });
  return sendStream(c, EVENTS, events, {
    'x-request-id': chunks.requestId,
    'x-correlation-id': chunks.correlationId,
    // nginx would hold events back until its buffer is full.
    'x-accel-buffering': 'no',
  });
};
