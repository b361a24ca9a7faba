import { workerRow } from '../../data/parse.ts';
import { list, number, raw, text } from '../../data/shape.ts';
import type { WorkerRow } from '../../data/types.ts';

/** How a worker ended. */
export interface Certificate {
  readonly code: number | null;
  readonly signal: string | null;
  readonly oom: boolean;
  readonly stderr_tail: readonly string[];
  readonly last_stack: string | null;
  readonly in_flight: readonly string[];
  readonly memory_mb: readonly number[];
}

export interface Life {
  readonly worker_id: string;
  readonly started_at: number | null;
  readonly ended_at: number | null;
  readonly reason: string | null;
  readonly requests: number | null;
  readonly exit: Certificate | null;
}

export interface WorkerEvent {
  readonly name: string;
  readonly at: string | null;
  readonly message: string;
  /** The whole event as it came. */
  readonly whole: unknown;
}

export interface WorkerPage {
  readonly worker: WorkerRow | null;
  readonly pool: string;
  readonly slot: number;
  readonly readings: Readonly<
    Record<'memory_bytes' | 'cpu_ratio' | 'requests', readonly (number | null)[]>
  > | null;
  readonly x: readonly number[];
  readonly step_ms: number;
  readonly lives: readonly Life[];
  readonly events: readonly WorkerEvent[];
}

const texts = (value: unknown): string[] =>
  list(value).filter((each): each is string => typeof each === 'string');

const certificate = (value: unknown): Certificate | null =>
  value
    ? {
        code: number(raw(value).code),
        signal: text(raw(value).signal),
        oom: raw(value).oom === true,
        stderr_tail: texts(raw(value).stderr_tail),
        last_stack: text(raw(value).last_stack),
        in_flight: texts(raw(value).in_flight),
        memory_mb: list(raw(value).memory_mb).filter((each): each is number => typeof each === 'number'),
      }
    : null;

const life = (value: unknown): Life => ({
  worker_id: text(raw(value).worker_id) ?? '?',
  started_at: number(raw(value).started_at),
  ended_at: number(raw(value).ended_at),
  reason: text(raw(value).reason),
  requests: number(raw(value).requests),
  exit: certificate(raw(value).exit),
});

const event = (value: unknown): WorkerEvent => {
  const about = raw(raw(value).metadata);
  const said = ['message', 'reason', 'why', 'command', 'code'].map((name) => text(about[name])).find(Boolean);
  return {
    name: text(raw(value).event_name) ?? '?',
    at: text(about.timestamp),
    message: said ?? '',
    whole: value,
  };
};

export const workerPage = (value: unknown): WorkerPage => {
  const source = raw(value);
  const readings = source.readings ? raw(source.readings) : null;
  const numbers = (name: string) => list(readings?.[name]).map(number);
  const step = number(readings?.step_ms) ?? 5000;
  const from = number(readings?.from) ?? 0;
  const known = readings && {
    memory_bytes: numbers('memory_bytes'),
    cpu_ratio: numbers('cpu_ratio'),
    requests: numbers('requests'),
  };
  return {
    worker: source.worker ? workerRow(source.worker) : null,
    pool: text(source.pool) ?? '',
    slot: number(source.worker_slot) ?? 0,
    readings: known,
    x: known?.memory_bytes.map((_, index) => from + index * step) ?? [],
    step_ms: step,
    lives: list(source.lives).map(life),
    events: list(source.events).map(event),
  };
};

const signals: Readonly<Record<string, string>> = {
  SIGKILL: 'killed from outside (SIGKILL): an operator, a container limit, or the out-of-memory killer',
  SIGSEGV: 'memory error in native code (SIGSEGV)',
  SIGABRT: 'gave itself up (SIGABRT): a failed assertion or a fatal Python error',
  SIGBUS: 'memory that is not there (SIGBUS): a truncated mapped file or a full disk',
  SIGFPE: 'arithmetic error in native code (SIGFPE)',
  SIGILL: 'instruction the processor does not have (SIGILL): built for another machine',
  SIGTERM: 'asked to end from outside (SIGTERM)',
  SIGINT: 'interrupted from outside (SIGINT)',
};

/** How a worker ended, for people. */
export const exitSaid = ({ code, signal, oom }: Pick<Certificate, 'code' | 'signal' | 'oom'>): string => {
  if (oom) return 'killed by the kernel, since memory ran out';
  if (signal) return signals[signal] ?? `ended by the signal ${signal}`;
  if (code === 0) return 'ended by itself with code 0';
  return code === null ? 'ended; how is not known' : `ended by itself with code ${code}`;
};
