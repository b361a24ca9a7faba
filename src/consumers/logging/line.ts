import type { Json } from '../../sanitize/index.ts';
import type { Level } from './levels.ts';

/** A line before it is written. Everything in it is already safe: JSON can say it, and it is bounded. */
export interface Line {
  readonly level: Level;
  /** Epoch milliseconds. */
  readonly timestamp: number;
  readonly message: string;
  /** What pino writes beside level, time and message: `logger` and `event` first, then ids and further fields. */
  readonly fields: LineFields;
}

/** The fields of a line, begun with the head. */
export type LineFields = Record<string, Json> & { logger: string; event: string };

const nothing = undefined as unknown as Json;

/**
 * Begins the fields of a line, with places for the ids: an engine keeps few fields in order that were added by a computed name to an object that
 * began small, and looks each of them up after that. What stays undefined is not written.
 */
export const beginFields = (logger: string, event: string): LineFields => ({
  logger,
  event,
  correlation_id: nothing,
  request_id: nothing,
  trace_id: nothing,
  span_id: nothing,
  pool_name: nothing,
  worker_id: nothing,
  worker_slot: nothing,
  session_id: nothing,
  command: nothing,
});

/** Names the line itself has; a field of such a name would make a second key of it, and readers differ on which one counts. */
const taken = new Set(['timestamp', 'level', 'message', 'logger', 'event', '__proto__']);

/** Adds a field whose name comes from elsewhere, without hiding the head. */
export const addField = (fields: LineFields, name: string, value: Json): void => {
  fields[taken.has(name) || looksLikeHttp(fields, name) ? `${name}_` : name] = value;
};

/** pino takes an object with method, headers and socket for an HTTP request and writes a summary of it, without our head. */
const looksLikeHttp = (fields: LineFields, name: string): boolean =>
  (name === 'socket' && 'headers' in fields) || (name === 'headers' && 'socket' in fields);
