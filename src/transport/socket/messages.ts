import type { CommandInfo, LogLevel } from '../../events/index.ts';
import type { Failure, LinkHandler, SessionChange, StackText, WorkerStats } from '../contract.ts';
import { ProtocolFault } from './frames.ts';

/** Frame types, after proto/PROTOCOL.md. */
export const Type = {
  request: 1,
  response: 2,
  error: 3,
  chunk: 4,
  credit: 5,
  cancel: 6,
  recall: 7,
  recalled: 8,
  ping: 9,
  pong: 10,
  stats: 11,
  event: 12,
  log: 13,
  stack: 14,
  stacks: 15,
  hello: 16,
  welcome: 17,
  phase: 18,
  ready: 19,
  startFailed: 20,
  stop: 21,
  reject: 22,
} as const;

export type Role = 'work' | 'control';

/** An array whose elements are checked as they are used. */
type Message = readonly unknown[];

const fault = (what: string): never => {
  throw new ProtocolFault(what);
};
const number = (value: unknown): number =>
  typeof value === 'number' ? value : fault('sent a field that should be a number');
const string = (value: unknown): string =>
  typeof value === 'string' ? value : fault('sent a field that should be a string');
const record = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : fault('sent a field that should be a map');
const list = (value: unknown): unknown[] =>
  Array.isArray(value) ? value : fault('sent a field that should be an array');
const orNull = <T>(value: unknown, check: (value: unknown) => T): T | null =>
  value === null ? null : check(value);
const known = (open: boolean, id: unknown): void => {
  if (!open) fault(`answered request ${id}, which is not open`);
};

const failure = (value: unknown): Failure => {
  const it = record(value);
  return {
    code: string(it.code),
    message: string(it.message),
    traceback: orNull(it.traceback, string),
    exception: orNull(it.exception, record) as Failure['exception'],
    path: orNull(it.path, string),
  };
};

const stats = (value: unknown): WorkerStats => {
  const it = record(value);
  return {
    rssBytes: number(it.rss_bytes),
    peakRssBytes: number(it.peak_rss_bytes),
    cpuSeconds: number(it.cpu_seconds),
    threads: number(it.threads),
    openFds: number(it.open_fds),
    gcCollections: number(it.gc_collections),
  };
};

const levels: ReadonlySet<unknown> = new Set([
  'debug',
  'info',
  'warning',
  'error',
  'critical',
] satisfies LogLevel[]);
const phases: ReadonlySet<unknown> = new Set(['import', 'on_start']);

/**
 * Hands a decoded message to the handler.
 *
 * @param bytes - size of its body
 * @throws ProtocolFault when it is not a message that a worker may send on this connection
 */
export const deliver = (role: Role, message: unknown, bytes: number, to: LinkHandler): void => {
  if (!Array.isArray(message)) fault('sent a frame that is no array');
  const m = message as Message;
  if (role === 'work') deliverWork(m, bytes, to);
  else deliverControl(m, to);
};

/** The peak of memory at the end of an answer, which only few carry. */
const peak = (m: Message): number => (m.length > 5 ? number(m[5]) : 0);

/** What was changed of the session, which fewer carry still. */
const sessionOf = (m: Message): SessionChange | undefined => {
  if (m.length < 7) return undefined;
  const change = record(m[6]);
  return 'data' in change ? { data: change.data } : fault('sent a change of a session without data');
};

const deliverWork = (m: Message, bytes: number, to: LinkHandler): void => {
  switch (m[0]) {
    case Type.response:
      return known(
        to.response(number(m[1]), m[2], number(m[3]), number(m[4]), bytes, peak(m), sessionOf(m)),
        m[1],
      );
    case Type.error:
      return known(to.error(number(m[1]), failure(m[2]), number(m[3]), number(m[4]), bytes, peak(m)), m[1]);
    case Type.chunk:
      return known(to.chunk(number(m[1]), m[2], bytes), m[1]);
    case Type.event:
      return to.event(orNull(m[1], number), string(m[2]), record(m[3]), record(m[4]));
    case Type.log: {
      if (!levels.has(m[2])) fault(`sent a log record of level '${m[2]}'`);
      return to.log(
        orNull(m[1], number),
        m[2] as LogLevel,
        string(m[3]),
        string(m[4]),
        number(m[5]),
        record(m[6]),
      );
    }
    default:
      fault(`sent a frame of type ${String(m[0])} on the work connection`);
  }
};

const deliverControl = (m: Message, to: LinkHandler): void => {
  switch (m[0]) {
    case Type.pong:
      return to.pong(number(m[1]));
    case Type.stats:
      return to.stats(stats(m[1]));
    case Type.stacks:
      return to.stack(number(m[1]), list(m[2]).map(stackText));
    case Type.recalled:
      return to.recalled(list(m[1]).map(number));
    case Type.phase:
      if (!phases.has(m[1])) fault(`announced the phase '${m[1]}'`);
      return to.phase(m[1] as 'import' | 'on_start');
    case Type.ready:
      return to.ready(list(record(m[1]).commands).map(command), record(m[1]).snapshots === true);
    case Type.startFailed:
      return to.startFailed(failure(m[1]));
    default:
      fault(`sent a frame of type ${String(m[0])} on the control connection`);
  }
};

const stackText = (value: unknown): StackText => {
  const [id, text] = list(value);
  return { id: orNull(id, number), text: string(text) };
};

const command = (value: unknown): CommandInfo => {
  const it = record(value);
  string(it.name);
  list(it.parameters).map(record);
  return it as unknown as CommandInfo;
};
