import Negotiator from 'negotiator';
import { contentTypes, type Format } from './dialect.ts';

/** In the order of our preference, where the client has none. */
const formats: readonly Format[] = ['text', 'openmetrics', 'protobuf'];

/** Parameters that say nothing about which format it is: our names need no escaping, and we write UTF-8 whatever is asked for. */
const beside = /;\s*(?:escaping|charset)\s*=\s*(?:"[^"]*"|[^;,]*)/gi;

/**
 * Chooses the format by an `Accept` header (RFC 9110, section 12.5.1): highest quality first, then most specific, then
 * as the client lists them. A scraper that accepts neither
 * gets the text format, as it does from other exporters: an answer it may not read is better than none.
 */
export const negotiate = (accept: string | undefined): Format => {
  if (accept === undefined || accept.trim() === '') return 'text';
  try {
    const types = formats.map((format) => contentTypes[format]);
    const headers = { accept: accept.replace(beside, '') };
    const best = new Negotiator({ headers }).mediaType(types);
    return formats.find((format) => contentTypes[format] === best) ?? 'text';
  } catch {
    return 'text';
  }
};
