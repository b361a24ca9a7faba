import { catalog, type EventName } from '../../events/index.ts';
import { lifecycleRules } from './lifecycle.ts';
import { requestRules } from './requests.ts';

/** The naming conventions a log can follow beside our own. */
export const conventions = ['ecs', 'otel', 'datadog', 'gcp'] as const;
export type Convention = (typeof conventions)[number];

/** Where each convention is written down. */
export const sources: Readonly<Record<Convention, string>> = {
  ecs: 'Elastic Common Schema 8.11, field reference, and the ECS logging specification: https://www.elastic.co/docs/reference/ecs/ecs-field-reference',
  otel: 'OpenTelemetry logs data model, stable, and semantic conventions for exceptions: https://opentelemetry.io/docs/specs/otel/logs/data-model/',
  datadog:
    'Datadog, default standard attributes and reserved attributes: https://docs.datadoghq.com/logs/log_configuration/attributes_naming_convention/',
  gcp: 'Google Cloud Logging, special fields of structured logs (LogEntry): https://docs.cloud.google.com/logging/docs/structured-logging',
};

/** How a value changes with its name: milliseconds to whole nanoseconds, 16 hex digits to a decimal number. */
export type Conversion = 'ns' | 'decimal';

/** A name in one of the conventions, where it differs from what is the rule there. */
type Target = string | readonly [name: string, conversion: Conversion];

/** One field of a line. */
export interface FieldSpec extends Readonly<Partial<Record<Convention, Target>>> {
  readonly type: string;
  readonly about: string;
}

const text = (about: string, targets: Partial<Record<Convention, Target>> = {}): FieldSpec => ({
  type: 'string',
  about,
  ...targets,
});

const everywhere = (name: string) => ({ ecs: name, otel: name, datadog: name });

/** The head of every line. In OpenTelemetry these stand at the top; so does whatever begins with a capital there. */
export const headFields = {
  timestamp: text('when it happened, RFC 3339 in UTC with milliseconds', {
    ecs: '@timestamp',
    otel: 'Timestamp',
    gcp: 'time',
    datadog: 'timestamp',
  }),
  level: text('`trace`, `debug`, `info`, `warn`, `error` or `fatal`', {
    ecs: 'log.level',
    otel: 'SeverityText',
    gcp: 'severity',
    datadog: 'status',
  }),
  message: text('in words, for people', {
    ecs: 'message',
    otel: 'Body',
    gcp: 'message',
    datadog: 'message',
  }),
} as const satisfies Record<string, FieldSpec>;

/** Fields with a name of their own in some convention. What is not named here follows the rule of {@link targetOf}. */
const special: Readonly<Record<string, FieldSpec>> = {
  logger: text("`snakepit`, the name of Python's logger, or what you gave", {
    ecs: 'log.logger',
    otel: 'InstrumentationScope',
    datadog: 'logger.name',
  }),
  event: text('the event the line tells of, or what you gave', {
    ecs: 'event.action',
    otel: 'EventName',
    datadog: 'evt.name',
  }),
  correlation_id: text('what ties the events of one business operation together'),
  request_id: text('the request, unique in this process'),
  trace_id: text('of the trace context, 32 hex digits', {
    ecs: 'trace.id',
    otel: 'TraceId',
    datadog: 'dd.trace_id',
    gcp: 'logging.googleapis.com/trace',
  }),
  span_id: text('of the trace context, 16 hex digits', {
    ecs: 'span.id',
    otel: 'SpanId',
    datadog: ['dd.span_id', 'decimal'],
    gcp: 'logging.googleapis.com/spanId',
  }),
  pool_name: text('the pool'),
  worker_id: text('the worker, unique for ever'),
  worker_slot: { type: 'number', about: 'the small stable number of the place the worker fills' },
  session_id: text('the session', { otel: 'session.id' }),
  command: text('the command'),
  args: text('the arguments, sanitized, as JSON, cut at 2 KB'),
  duration_ms: {
    type: 'number',
    about: 'from acceptance to settlement, or of what the line is about. Milliseconds',
    ecs: ['event.duration', 'ns'],
    datadog: ['duration', 'ns'],
  },
  pid: { type: 'number', about: 'process id', ecs: 'process.pid', otel: 'process.pid' },
  code: text('error code', { ecs: 'error.code', otel: 'error.type' }),
  'error.error_type': text('class of the error, e.g. `PythonException`', {
    ecs: 'error.type',
    otel: 'exception.type',
    datadog: 'error.kind',
  }),
  'error.error_message': text('the error in words', {
    ecs: 'error.message',
    otel: 'exception.message',
    datadog: 'error.message',
  }),
  'error.python_traceback': text("Python's traceback as text", {
    ecs: 'error.stack_trace',
    otel: 'exception.stacktrace',
    datadog: 'error.stack',
    gcp: 'stack_trace',
  }),
  'error.type': text('class of a JavaScript error', {
    ecs: 'error.type',
    otel: 'exception.type',
    datadog: 'error.kind',
  }),
  'error.message': text('the message of a JavaScript error', {
    ...everywhere('error.message'),
    otel: 'exception.message',
  }),
  'error.stack': text('the stack of a JavaScript error', {
    ecs: 'error.stack_trace',
    otel: 'exception.stacktrace',
    datadog: 'error.stack',
    gcp: 'stack_trace',
  }),
  error: {
    type: 'object',
    about:
      'the preserved error context: `exception.frames` are the frames of the traceback, innermost last; with the names of a convention, what is left of it',
  },
};

type Described = Readonly<Record<'type' | 'about', string>> & { readonly unit?: string };

/** The types of each event in turn would be too many to tell apart. */
type AnyEvent = { readonly measurements: object; readonly metadata: object };

const fromEvents = (): Record<string, FieldSpec> => {
  const found: Record<string, FieldSpec> = {};
  for (const [name, rule] of Object.entries({ ...lifecycleRules, ...requestRules })) {
    const { measurements, metadata } = catalog[name as EventName] as AnyEvent;
    const of = { ...measurements, ...pick(metadata, rule.fields ?? []) };
    for (const [field, { type, unit, about }] of Object.entries(of) as [string, Described][])
      found[field] ??= { type, about: `${about}${unit === undefined ? '' : `. Unit: ${unit}`}` };
  }
  return found;
};

const pick = <T extends object>(from: T, names: readonly string[]): Partial<T> =>
  Object.fromEntries(Object.entries(from).filter(([name]) => names.includes(name))) as Partial<T>;

let known: Readonly<Record<string, FieldSpec>> | undefined;

/** Every field a line of ours can have beside the head: those above, then the measurements and metadata of the events that become lines. */
export const lineFields = (): Readonly<Record<string, FieldSpec>> => {
  known ??= {
    ...special,
    ...Object.fromEntries(Object.entries(fromEvents()).filter(([name]) => !Object.hasOwn(special, name))),
  };
  return known;
};

/** What a field is called in a convention. What the convention has no name for stands under `snakepit.`, in Google's under its own name. */
export const targetOf = (
  name: string,
  spec: FieldSpec,
  convention: Convention,
): { readonly name: string; readonly conversion: Conversion | undefined } => {
  const target = spec[convention];
  if (typeof target === 'string') return { name: target, conversion: undefined };
  if (target !== undefined) return { name: target[0], conversion: target[1] };
  return { name: convention === 'gcp' ? name : `snakepit.${name}`, conversion: undefined };
};
