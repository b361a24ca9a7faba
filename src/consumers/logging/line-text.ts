import type { Json } from '../../sanitize/index.ts';
import type { Level } from './levels.ts';
import type { Line } from './line.ts';
import type { Preset } from './preset.ts';

/** Names of fields come from the catalogue and from programs; a program that invents them must not grow memory. */
const MAX_KEYS = 2000;
const keys = new Map<string, string>();

/** `,"name":` */
const keyOf = (name: string): string => {
  const known = keys.get(name);
  if (known !== undefined) return known;
  const key = `,${JSON.stringify(name)}:`;
  if (keys.size < MAX_KEYS) keys.set(name, key);
  return key;
};

/** Above this the engine's own search is the faster one. */
const SHORT = 64;
/** Printable ASCII without the two that JSON escapes. */
const PLAIN = /^[ !#-[\]-~]*$/;

const textOf = (value: string): string =>
  value.length <= SHORT && PLAIN.test(value) ? `"${value}"` : JSON.stringify(value);

const jsonOf = (value: Json): string => {
  if (typeof value === 'string') return textOf(value);
  // What JSON cannot say of numbers is null, as everywhere in it.
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : 'null';
  return JSON.stringify(value) ?? 'null';
};

const fieldsText = (fields: Readonly<Record<string, Json>>): string => {
  let text = '';
  for (const name of Object.keys(fields)) {
    const value = fields[name];
    if (value !== undefined) text += keyOf(name) + jsonOf(value);
  }
  return text;
};

/**
 * Makes of a line its text: level, time, fields, message. Written by hand, since it is most of what a line costs: one text grows, names are
 * quoted once for all lines, and only what needs it is escaped.
 */
export const lineText = (preset: Preset): ((line: Line) => string) => {
  const { messageKey, timestampKey, timestamp, fields } = preset;
  const heads = new Map<Level, string>();
  const headOf = (level: Level): string => {
    const known = heads.get(level);
    if (known !== undefined) return known;
    const head = `{${fieldsText(preset.level(level)).slice(1)}${keyOf(timestampKey)}"`;
    heads.set(level, head);
    return head;
  };
  const end = keyOf(messageKey);
  return (line) =>
    `${headOf(line.level)}${timestamp(line.timestamp)}"${fieldsText(fields?.(line.fields) ?? line.fields)}${end}${textOf(line.message)}}\n`;
};
