import type { CommandInfo, LogLevel } from '../../events/index.ts';
import type { Codec } from '../codec/index.ts';
import type { LinkHandler, WorkerStats } from '../contract.ts';
import type { Command, EventRecord, LogRecord, Stats } from './messages.ts';

const levels: ReadonlySet<string> = new Set([
  'debug',
  'info',
  'warning',
  'error',
  'critical',
] satisfies LogLevel[]);
const kinds: ReadonlySet<string> = new Set(['plain', 'async', 'generator', 'async_generator']);

/** A map in a codec; empty: none. Whatever else a worker has sent there is left out. */
const mapIn = (codec: Codec, bytes: Buffer): Record<string, unknown> => {
  if (bytes.length === 0) return {};
  const value = codec.decode(view(bytes));
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};
};

/** A plain view: decoders would make every binary value a Buffer otherwise. */
export const view = (bytes: Buffer): Uint8Array =>
  new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);

export const statsOf = (stats: Stats): WorkerStats => ({
  rssBytes: stats.rss_bytes,
  peakRssBytes: stats.peak_rss_bytes,
  cpuSeconds: stats.cpu_seconds,
  threads: stats.threads,
  openFds: stats.open_fds,
  gcCollections: stats.gc_collections,
});

export const commandOf = ({ name, kind, doc, parameters }: Command): CommandInfo => ({
  name,
  kind: (kinds.has(kind) ? kind : 'plain') as CommandInfo['kind'],
  doc: doc ?? null,
  parameters: parameters.map((of) => ({
    name: of.name,
    kind: of.kind,
    annotation: of.annotation ?? null,
    required: of.required,
    default: of.default ?? null,
  })),
});

/** Hands on a log record. A level nobody knows counts as `info`. */
export const deliverLog = (log: LogRecord, id: number | null, codec: Codec, to: LinkHandler): void =>
  to.log(
    id,
    (levels.has(log.level) ? log.level : 'info') as LogLevel,
    log.logger,
    log.message,
    log.time_ms,
    mapIn(codec, log.fields),
  );

export const deliverEvent = (event: EventRecord, id: number | null, codec: Codec, to: LinkHandler): void =>
  to.event(id, event.name, mapIn(codec, event.measurements), mapIn(codec, event.metadata));
