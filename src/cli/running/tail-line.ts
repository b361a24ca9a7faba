import type { Paint, Style } from '../show/paint.ts';
import { cutTo, plainLine } from '../show/plain.ts';
import { momentOf } from '../show/units.ts';

/** An event as the server sends it. Any member may be missing. */
export interface TailEvent {
  readonly event_name?: string;
  readonly measurements?: Readonly<Record<string, unknown>>;
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly sample_weight?: number;
}

interface Look {
  readonly paint: Paint;
  /** Undefined where nothing is cut. */
  readonly width: number | undefined;
}

const NAME_WIDTH = 18;
const DURATION_WIDTH = 11;
const WHERE_WIDTH = 18;

const BAD = /\.(failed|crashed|start_failed|timed_out|stuck|quarantined|rejected|dropped|consumer_failed)$/;
const DOUBTFUL = /\.(slow|retried|saturated|heartbeat_missed|exceeded|circuit_opened|cancelled)$/;
const LEVELS: Readonly<Record<string, Style>> = { warning: 'yellow', error: 'red', critical: 'red' };

/** What says how it went, first to last. */
const TOLD = ['status', 'code', 'reason', 'why', 'check', 'from', 'to', 'consumer', 'message'];
/** What stands in columns of its own, or says nothing on a line. */
const COMMON = new Set([
  ...['timestamp', 'pool_name', 'command', 'worker_id', 'worker_slot', 'request_id', 'correlation_id'],
  ...['session_id', 'level', 'logger', 'error', 'exit', 'fields', 'category', 'retryable', 'success'],
  ...['config', 'python_stack', 'changes', ...TOLD],
]);

const SECONDS = [11, 23] as const;
const SHORT_ID = 8;

const timeOf = (timestamp: unknown): string => {
  const at = momentOf(timestamp);
  return at === undefined ? '--:--:--.---' : new Date(at).toISOString().slice(...SECONDS);
};

/** Always in milliseconds with one decimal: so that a column of them can be compared. */
const milliseconds = (value: unknown): string =>
  typeof value === 'number' && Number.isFinite(value) ? `${value.toFixed(1)} ms` : '';

const whereOf = ({ pool_name: pool, command }: Readonly<Record<string, unknown>>): string => {
  const name = plainLine(command ?? '');
  const place = pool === undefined || pool === 'default' ? '' : plainLine(pool);
  return place === '' ? name || plainLine(pool ?? '') : name === '' ? place : `${place}/${name}`;
};

/** `req_9f8e7d6c_1k` is the request 1k: the rest is the same for all of a process. */
const idsOf = ({ worker_id, request_id, correlation_id }: Readonly<Record<string, unknown>>): string =>
  [
    worker_id === undefined ? '' : plainLine(worker_id),
    request_id === undefined ? '' : `#${plainLine(request_id).split('_').at(-1)}`,
    correlation_id === undefined ? '' : `~${plainLine(correlation_id).slice(0, SHORT_ID)}`,
  ]
    .filter((text) => text !== '')
    .join(' ');

const shortly = (value: unknown): string =>
  typeof value === 'number' && !Number.isInteger(value)
    ? value.toFixed(1)
    : plainLine(typeof value === 'object' ? JSON.stringify(value) : value);

const pairs = (record: Readonly<Record<string, unknown>>): string[] =>
  Object.entries(record)
    .filter(([name, value]) => !COMMON.has(name) && name !== 'duration_ms' && value != null && value !== 0)
    .map(([name, value]) => `${plainLine(name)}=${shortly(value)}`);

const detailsOf = ({
  event_name,
  measurements = {},
  metadata = {},
  sample_weight = 1,
}: TailEvent): string => {
  const told = TOLD.filter((name) => metadata[name] != null && metadata[name] !== 'success').map((name) =>
    shortly(metadata[name]),
  );
  const { level, logger } = metadata;
  const log = event_name === 'python.log' ? [`${shortly(level)} ${shortly(logger)}:`] : [];
  const weight = sample_weight === 1 ? [] : [`(×${shortly(sample_weight)})`];
  return [...log, ...told, ...pairs(measurements), ...pairs(metadata), ...weight].join(' ');
};

const styleOf = ({ event_name = '', metadata = {} }: TailEvent): Style | undefined => {
  if (BAD.test(event_name)) return 'red';
  if (DOUBTFUL.test(event_name)) return 'yellow';
  return LEVELS[String(metadata.level)] ?? (metadata.success === false ? 'red' : undefined);
};

/** An event on a line: time (UTC), name, duration, pool and command, worker and ids, then what it says. */
export const tailLine = (event: TailEvent, { paint, width }: Look): string => {
  const { measurements = {}, metadata = {} } = event;
  const name = plainLine(event.event_name ?? '?').replace(/^snakepit\./, '');
  const columns: readonly (readonly [Style | undefined, string])[] = [
    ['dim', timeOf(metadata.timestamp)],
    [styleOf(event), name.padEnd(NAME_WIDTH)],
    [undefined, milliseconds(measurements.duration_ms).padStart(DURATION_WIDTH)],
    [undefined, whereOf(metadata).padEnd(WHERE_WIDTH)],
    ['dim', idsOf(metadata)],
    [undefined, detailsOf(event)],
  ];
  let room = width ?? Number.POSITIVE_INFINITY;
  const shown = columns.flatMap(([style, text]) => {
    if (text === '' || room <= 0) return [];
    const cut = room === Number.POSITIVE_INFINITY ? text : cutTo(text, room);
    room -= [...cut].length + 2;
    return [paint(style, cut)];
  });
  return shown.join('  ').trimEnd();
};
