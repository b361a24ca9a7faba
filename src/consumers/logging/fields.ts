import { currentContext, type EventSubject, type LogContext, traceIdOf } from '../../events/index.ts';
import { type Canary, cut, type Json, type Sanitizer } from '../../sanitize/index.ts';
import { addField, type LineFields } from './line.ts';

/** What a line is sanitized with, and the secrets that must not come through it. */
export type LogSanitizer = Sanitizer & {
  readonly canary?: Canary | undefined;
  /** The arguments of a call by their shapes; that of an instance has it. */
  readonly args?: (args: unknown, showArgs: readonly string[]) => unknown;
};

/** Ids that stand at the head of a line, where they are known. */
const ids = [
  ...['correlation_id', 'request_id', 'trace_id', 'span_id'],
  ...['pool_name', 'worker_id', 'worker_slot', 'session_id', 'command'],
] as const;

const MAX_ID = 256;

/** A value fit for a line. Most are numbers and words, which need no walk; figures beyond three decimals say nothing. */
const safeValue = (value: unknown, safe: Sanitizer): Json => {
  if (typeof value === 'string') return safe.text(value);
  if (typeof value !== 'number') return safe.value(value);
  return Number.isInteger(value) || !Number.isFinite(value) ? value : Math.round(value * 1000) / 1000;
};

/** Adds the ids among an event's metadata. */
export const addIds = (
  fields: LineFields,
  metadata: Readonly<Record<string, unknown>>,
  safe: Sanitizer,
): void => {
  for (const id of ids) {
    const value = metadata[id];
    if (typeof value === 'number') fields[id] = value;
    else if (typeof value === 'string') fields[id] = cut(safe.text(value), MAX_ID);
  }
};

/** Adds `names` of `source`, or all it has; what has no value is left out. */
export const addValues = (
  fields: LineFields,
  source: Readonly<Record<string, unknown>>,
  safe: Sanitizer,
  names: readonly string[] = Object.keys(source),
): void => {
  for (const name of names) {
    const value = source[name];
    if (value !== undefined) addField(fields, name, safeValue(value, safe));
  }
};

/** Adds fields that are safe already. */
export const addSafe = (fields: LineFields, safe: Readonly<Record<string, Json>>): void => {
  for (const name of Object.keys(safe)) addField(fields, name, safe[name] as Json);
};

const SPAN_START = 36;
const SPAN_END = 52;

/** The ids of a W3C trace context, where it is one. */
const traceFields = (traceparent: unknown): Record<string, string> | undefined => {
  const traceId = typeof traceparent === 'string' ? traceIdOf(traceparent) : undefined;
  if (traceId === undefined) return undefined;
  return { trace_id: traceId, span_id: (traceparent as string).slice(SPAN_START, SPAN_END) };
};

const addTrace = (fields: LineFields, traceparent: unknown): void => {
  if (traceparent !== undefined) Object.assign(fields, traceFields(traceparent));
};

const addContextFields = (
  fields: LineFields,
  { traceparent, ...rest }: LogContext,
  safe: Sanitizer,
): void => {
  addSafe(fields, safe.fields(rest));
  addTrace(fields, traceparent);
};

/** The fields of `withContext` in force, sanitized. */
export const contextFields = (safe: Sanitizer): Record<string, Json> => {
  const context = currentContext();
  if (context === undefined) return {};
  const { traceparent, ...rest } = context;
  return { ...safe.fields(rest), ...traceFields(traceparent) };
};

/**
 * Adds the fields of `withContext` to the line of an event. Those of a request's caller are known; those in force count only if they are of the same operation: an
 * event of a socket runs in the context in which that socket was made, which may be that of another request altogether.
 *
 * @param correlationId - that of the event, if it has one
 * @param subject - the request the event is of
 */
export const addEventContext = (
  fields: LineFields,
  safe: Sanitizer,
  correlationId: unknown,
  subject: EventSubject | undefined,
): void => {
  if (subject !== undefined) {
    if (subject.context !== undefined) addContextFields(fields, subject.context, safe);
    addTrace(fields, subject.traceparent);
    return;
  }
  const context = currentContext();
  if (context === undefined) return;
  const isForeign =
    correlationId !== undefined &&
    context.correlation_id !== undefined &&
    context.correlation_id !== correlationId;
  if (!isForeign) addContextFields(fields, context, safe);
};

/** Fake secrets among the fields, as they are left of them; see {@link Canary}. */
export const addCanary = (fields: LineFields, safe: LogSanitizer): void => {
  if (safe.canary !== undefined) addSafe(fields, safe.fields(safe.canary.seed()));
};
