import type { LiveEvent } from './types.ts';

/** Events in words. */

export type Level = 'debug' | 'info' | 'warning' | 'error' | 'critical';
/** From the least. */
export const levels: readonly Level[] = ['debug', 'info', 'warning', 'error', 'critical'];

const errors =
  /^snakepit\.(?:worker\.(?:crashed|start_failed|stuck|quarantined)|request\.(?:failed|timed_out))$/;
const warnings =
  /^snakepit\.(?:pool\.saturated|worker\.heartbeat_missed|request\.(?:retried|slow|rejected)|threshold\.exceeded|observability\.(?:consumer_failed|circuit_opened|dropped))$/;
const frequent =
  /^snakepit\.(?:request\.(?:queued|started|completed)|worker\.(?:busy|idle)|stream\.\w+|session\.(?!affinity_broken)\w+)$/;

const catalogued = /^snakepit\.(?:pool|worker|request|stream|session|health|threshold|observability)\./;

const ownLevel = (value: unknown): Level | undefined => levels.find((level) => level === value);

/**
 * How much an event matters: what its name stands for, and where it is not one of Snakepit's, what it says of itself. As the
 * server judges it, so that a row never contradicts the filter that let it through.
 */
export const levelOf = ({ event_name, metadata }: LiveEvent): Level => {
  if (errors.test(event_name)) return 'error';
  if (warnings.test(event_name)) return 'warning';
  if (frequent.test(event_name)) return 'debug';
  if (catalogued.test(event_name)) return 'info';
  return ownLevel(metadata.level) ?? (event_name === 'python.log' ? 'debug' : 'info');
};

/** Only machines read these: the metrics of apps. */
export const isForPeople = ({ event_name }: LiveEvent): boolean => event_name !== 'python._metrics';

/** A name without what all have. */
export const shortName = (name: string): string => name.replace(/^snakepit\./, '');

/** What says how it went, first to last. */
const told = ['status', 'code', 'reason', 'check', 'change', 'why', 'consumer', 'message'];
/** What stands in columns of its own, or is better read in the whole event. */
const elsewhere = new Set([
  ...['timestamp', 'pool_name', 'command', 'worker_id', 'worker_slot', 'request_id', 'correlation_id'],
  ...['session_id', 'level', 'logger', 'error', 'exit', 'fields', 'category', 'retryable', 'success'],
  ...['config', 'python_stack', 'changes', 'duration_ms', 'from', 'to', ...told],
]);
const MAX_TEXT = 300;

const shortly = (value: unknown): string => {
  if (typeof value === 'number') return Number.isInteger(value) ? String(value) : value.toFixed(1);
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  return text.replaceAll(/\s+/g, ' ');
};

const pairs = (record: Readonly<Record<string, unknown>>): string[] =>
  Object.entries(record)
    .filter(([name, value]) => !elsewhere.has(name) && value !== null && value !== undefined && value !== 0)
    .map(([name, value]) => `${name}=${shortly(value)}`);

const changeIn = ({ from, to }: LiveEvent['metadata']): string | undefined =>
  typeof from === 'string' && typeof to === 'string' ? `${from} → ${to}` : undefined;

/** What an event says, on one line. */
export const saidOf = ({ event_name, measurements, metadata, sample_weight = 1 }: LiveEvent): string => {
  const logger = event_name === 'python.log' ? [`${shortly(metadata.logger)}:`] : [];
  const words = told.flatMap((name) => {
    const value = name === 'change' ? changeIn(metadata) : metadata[name];
    return value === null || value === undefined || value === '' || value === 'success'
      ? []
      : [shortly(value)];
  });
  const weight = sample_weight === 1 ? [] : [`(stands for ${shortly(sample_weight)})`];
  const text = [...logger, ...words, ...pairs(measurements), ...pairs(metadata), ...weight].join(' ');
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT - 1)}…` : text;
};

/** A field of the metadata that is a text. */
export const nameIn = ({ metadata }: LiveEvent, field: string): string | null => {
  const value = metadata[field];
  return typeof value === 'string' && value !== '' ? value : null;
};

/** A measurement, where it is a number. */
export const numberIn = ({ measurements }: LiveEvent, field: string): number | null => {
  const value = measurements[field];
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
};
