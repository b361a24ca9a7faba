import { facts, fenced, plain } from './markdown.ts';
import { type Raised, raisedOf } from './traceback.ts';
import type { ErrorContext, ErrorDetail, Frame, WorkerExit } from './types.ts';

/** What a report says of the process besides the error. */
export interface ReportAbout {
  readonly version?: string | undefined;
  readonly instance?: string | undefined;
}

const json = (value: unknown): string => JSON.stringify(value, null, 2) ?? 'null';
const section = (title: string, body: string): string => (body === '' ? '' : `## ${title}\n\n${body}`);
const maybe = (value: unknown): string | undefined =>
  value === undefined || value === null ? undefined : String(value);

const frameText = ({ file, line, function: name, code }: Frame): string =>
  `  File "${file}", line ${line}, in ${name}${code === null ? '' : `\n    ${code}`}`;

const words = {
  cause: 'The above exception was the direct cause of the following exception:',
  context: 'During handling of the above exception, another exception occurred:',
} as const;

const raisedText = ({ type, message, frames }: Raised): string =>
  [
    ...(frames.length > 0 ? ['Traceback (most recent call last):', ...frames.map(frameText)] : []),
    message === '' ? type : `${type}: ${message}`,
  ].join('\n');

/** Python's own spelling of a chain: the first cause first. */
export const tracebackText = (raised: readonly Raised[]): string =>
  raised
    .map((one) =>
      one.relation === undefined ? raisedText(one) : `${raisedText(one)}\n\n${words[one.relation]}\n`,
    )
    .reverse()
    .join('\n');

const tracebackOf = (context: ErrorContext): string =>
  context.python_traceback?.trim() ?? tracebackText(raisedOf(context));

/** How a process ended, in a few words: `SIGKILL (out of memory)`, `exit code 1`. */
export const exitText = ({ code, signal, oom }: Pick<WorkerExit, 'code' | 'signal' | 'oom'>): string =>
  `${signal ?? (code === null ? 'unknown' : `exit code ${code}`)}${oom ? ' (out of memory)' : ''}`;

const exitSection = (exit: WorkerExit | undefined): string => {
  if (exit === undefined) return '';
  const table = facts([
    ['Ended by', exitText(exit)],
    ['Evidence', exit.oom_evidence],
    ['Age', `${exit.uptime_seconds} s`],
    ['Requests served', String(exit.requests)],
    ['Requests lost', exit.in_flight.join(', ')],
    ['Memory (MiB)', exit.memory_mb.join(' → ')],
    ['CPU', exit.cpu_seconds === undefined ? undefined : `${exit.cpu_seconds} s`],
  ]);
  const tail =
    exit.stderr_tail.length === 0 ? '' : `\n\nLast lines:\n\n${fenced(exit.stderr_tail.join('\n'), 'text')}`;
  const stack = exit.last_stack === undefined ? '' : `\n\nLast stack:\n\n${fenced(exit.last_stack, 'text')}`;
  return table + tail + stack;
};

const attemptsSection = ({ attempts = [] }: ErrorContext): string =>
  attempts
    .map(
      ({ attempt, worker_id, code, message, duration_ms }) =>
        `${attempt}. ${plain(`${code} on ${worker_id} after ${Math.round(duration_ms)} ms: ${message}`)}`,
    )
    .join('\n');

const aboutSection = (error: ErrorDetail, about: ReportAbout): string => {
  const { group, error: context } = error;
  return facts([
    ['Code', `${error.code} (${error.category})`],
    ['Safe to retry', error.retryable === null ? undefined : error.retryable ? 'yes' : 'no'],
    ['When', error.timestamp],
    ['Pool', error.pool],
    ['Command', error.command],
    ['Worker', error.worker_id],
    ['Request', error.request_id],
    ['Correlation id', error.correlation_id],
    [
      'At fault',
      context?.path === undefined ? undefined : `${context.path} in the ${context.path_in ?? 'arguments'}`,
    ],
    ['Of this kind', `${group.count} since ${group.first_seen}`],
    ...Object.entries(error.measurements).map(([name, value]) => [name, String(value)] as const),
    ...Object.entries(context?.system_context ?? {}).map(([name, value]) => [name, maybe(value)] as const),
    ['Snakepit', about.version],
    ['Instance', about.instance],
  ]);
};

/** An error as a report for a ticket, in Markdown. What comes from logs and errors is shown as it is; nothing of it becomes markup. */
export const reportOf = (error: ErrorDetail, about: ReportAbout = {}): string => {
  const context = error.error;
  const [first = ''] = error.message.split('\n', 1);
  const parts = [
    `# ${plain(first)}`,
    error.message.includes('\n') ? fenced(error.message, 'text') : '',
    aboutSection(error, about),
  ];
  if (context !== null) {
    const traceback = tracebackOf(context);
    const args = context.request_context?.args;
    parts.push(
      section('Python traceback', traceback === '' ? '' : fenced(traceback, 'text')),
      section('Python stack', context.python_stack === undefined ? '' : fenced(context.python_stack, 'text')),
      section('How the worker ended', exitSection(context.exit)),
      section('Earlier attempts', attemptsSection(context)),
      section('Arguments (sanitized)', args === undefined ? '' : fenced(json(args), 'json')),
    );
  }
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
};

/** An error as JSON. */
export const jsonOf = (error: ErrorDetail): string => `${json(error)}\n`;
