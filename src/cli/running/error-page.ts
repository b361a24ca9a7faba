import type { ErrorContext } from '../../errors/index.ts';
import type { Paint } from '../show/paint.ts';
import { indent, plainBlock, plainLine } from '../show/plain.ts';
import { clock, counted, duration, figure, since } from '../show/units.ts';
import type { ErrorLineView } from './errors-screen.ts';
import { exitInWords } from './troubles.ts';

/** `/api/errors/{id}`. */
export interface ErrorView extends ErrorLineView {
  readonly event?: string;
  readonly category?: string;
  readonly retryable?: boolean | null;
  readonly worker_id?: string | null;
  readonly worker_slot?: number | null;
  readonly request_id?: string | null;
  readonly correlation_id?: string | null;
  readonly measurements?: Readonly<Record<string, number>>;
  readonly error?: Partial<ErrorContext> | null;
  readonly group?: { readonly count?: number; readonly first_seen?: string };
}

/** The answer of `snakepit errors <id>`: what happened, to whom, then every text that was preserved. */
export const errorPage = (view: ErrorView, now: number, paint: Paint): string => {
  const context = view.error ?? {};
  const parts = [
    heading(view, context, paint),
    facts(view, context, now),
    section('Python traceback', context.python_traceback),
    section('Python stack', context.python_stack),
    section('Arguments', argumentsOf(context)),
    section('Earlier attempts', attemptsOf(context)),
    section('How the worker ended', exitOf(context)),
    section('Its last Python stack', context.exit?.last_stack),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
};

const heading = (view: ErrorView, context: Partial<ErrorContext>, paint: Paint): string => {
  const { id, code, category, message } = view;
  const head = paint('bold', `${plainLine(code)} (${plainLine(category)}), error ${plainLine(id)}`);
  return `${head}\n${plainBlock(context.error_message ?? message ?? '').trimEnd()}`;
};

const facts = (view: ErrorView, context: Partial<ErrorContext>, now: number): string => {
  const { memory_mb, uptime_seconds } = context.system_context ?? {};
  const lines: readonly (readonly [string, string | undefined])[] = [
    ['when', `${clock(view.timestamp)} (${since(view.timestamp, now)} ago)`],
    ['pool', view.pool ?? undefined],
    ['command', view.command ?? undefined],
    ['request', view.request_id ?? undefined],
    ['correlation', view.correlation_id ?? undefined],
    ['worker', view.worker_id == null ? undefined : `${view.worker_id}, slot ${view.worker_slot ?? '?'}`],
    ['worker age', uptime_seconds === undefined ? undefined : duration(uptime_seconds * 1000)],
    ['memory', memory_mb === undefined ? undefined : `${figure(memory_mb)} MiB`],
    ['where', context.path === undefined ? undefined : `${context.path} (${context.path_in ?? 'arguments'})`],
    ['retryable', view.retryable == null ? undefined : view.retryable ? 'yes' : 'no'],
    ['measured', measured(view)],
    ['event', view.event],
    ['of its kind', kindOf(view, now)],
  ];
  return lines
    .flatMap(([name, text]) => (text === undefined ? [] : [`  ${name.padEnd(12)}  ${plainLine(text)}`]))
    .join('\n');
};

const measured = ({ measurements }: ErrorView): string | undefined => {
  const entries = Object.entries(measurements ?? {});
  const words = entries.map(([name, value]) =>
    name.endsWith('_ms') ? `${name.slice(0, -3)} ${duration(value)}` : `${name} ${figure(value)}`,
  );
  return words.length === 0 ? undefined : words.join(', ');
};

const kindOf = ({ group }: ErrorView, now: number): string | undefined =>
  group?.count === undefined
    ? undefined
    : `${counted(group.count, 'error')}, the first ${since(group.first_seen, now)} ago`;

const section = (title: string, text: string | undefined): string =>
  text === undefined || text === '' ? '' : `${title}:\n${indent(plainBlock(text).trimEnd())}`;

const argumentsOf = ({ request_context }: Partial<ErrorContext>): string | undefined =>
  request_context?.args === undefined ? undefined : JSON.stringify(request_context.args, null, 2);

const attemptsOf = ({ attempts }: Partial<ErrorContext>): string | undefined =>
  attempts
    ?.map(
      ({ attempt, worker_id, code, message, duration_ms }) =>
        `${attempt}. ${code} on ${worker_id} after ${duration(duration_ms)}: ${plainLine(message)}`,
    )
    .join('\n');

const exitOf = ({ exit }: Partial<ErrorContext>): string | undefined => {
  if (exit === undefined) return undefined;
  const { requests, uptime_seconds, memory_mb, in_flight, stderr_tail } = exit;
  const lines = [
    `It ${exitInWords({ ...exit, stderr_tail: [] })}, ${duration((uptime_seconds ?? Number.NaN) * 1000)} old, after ${figure(requests)} requests.`,
  ];
  if (memory_mb?.length) lines.push(`Memory at its last readings, MiB: ${memory_mb.map(figure).join(', ')}`);
  if (in_flight?.length) lines.push(`Lost with it: ${in_flight.join(', ')}`);
  if (stderr_tail?.length) lines.push('Its last words on standard error:', indent(stderr_tail.join('\n')));
  return lines.join('\n');
};
