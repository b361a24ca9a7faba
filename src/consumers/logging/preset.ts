import type { Json } from '../../sanitize/index.ts';
import type { Level } from './levels.ts';
import type { LineFields } from './line.ts';
import { type Convention, type Conversion, headFields, lineFields, targetOf } from './names.ts';
import { nanoseconds, rfc3339 } from './time.ts';

/** How a line is spelled. */
export interface Preset {
  readonly messageKey: string;
  /** What tells the level, and whatever else stands in every line. */
  level(level: Level): Readonly<Record<string, Json>>;
  readonly timestampKey: string;
  timestamp(epochMs: number): string;
  /** Undefined: as they are. */
  readonly fields: ((fields: LineFields) => Record<string, Json>) | undefined;
}

/** The names of this project, which the documents use. */
export const ownNames: Preset = {
  messageKey: 'message',
  level: (level) => ({ level }),
  timestampKey: 'timestamp',
  timestamp: rfc3339,
  fields: undefined,
};

const ECS_VERSION = '8.11.0';
const severityNumbers: Readonly<Record<Level, number>> = {
  trace: 1,
  debug: 5,
  info: 9,
  warn: 13,
  error: 17,
  fatal: 21,
};
const severities: Readonly<Record<Level, string>> = {
  trace: 'DEBUG',
  debug: 'DEBUG',
  info: 'INFO',
  warn: 'WARNING',
  error: 'ERROR',
  fatal: 'CRITICAL',
};

const levels: Readonly<Record<Convention, Preset['level']>> = {
  ecs: (level) => ({ 'log.level': level, 'ecs.version': ECS_VERSION }),
  otel: (level) => ({ SeverityText: level.toUpperCase(), SeverityNumber: severityNumbers[level] }),
  datadog: (level) => ({ status: level === 'fatal' ? 'critical' : level }),
  gcp: (level) => ({ severity: severities[level] }),
};

const NS = 1e6;
const convert = (value: Json, conversion: Conversion): Json => {
  if (conversion === 'ns') return typeof value === 'number' ? Math.round(value * NS) : value;
  return typeof value === 'string' && /^[0-9a-f]{16}$/.test(value) ? BigInt(`0x${value}`).toString() : value;
};

interface Renamed {
  readonly name: string;
  readonly conversion: Conversion | undefined;
}

const isObject = (value: Json): value is { [key: string]: Json } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

type Put = (out: Record<string, Json>, name: string, value: Json, known: boolean) => void;

/** Puts a field where OpenTelemetry wants it: at the top, which is closed, or among the attributes. */
const putOtel: Put = (out, name, value, known) => {
  if (known && name === 'InstrumentationScope') out[name] = { Name: value };
  else if (known && /^[A-Z]/.test(name)) out[name] = value;
  else {
    out.Attributes ??= {};
    (out.Attributes as Record<string, Json>)[name] = value;
  }
};

const putFlat =
  (taken: ReadonlySet<string>): Put =>
  (out, name, value, known) => {
    out[known || !taken.has(name) ? name : `${name}_`] = value;
  };

const renaming = (convention: Convention, put: Put): NonNullable<Preset['fields']> => {
  const targets = new Map<string, Renamed>(
    Object.entries(lineFields()).map(([name, spec]) => [name, targetOf(name, spec, convention)]),
  );
  const add = (out: Record<string, Json>, name: string, value: Json): void => {
    const target = targets.get(name);
    if (target === undefined) put(out, name, value, false);
    else put(out, target.name, target.conversion ? convert(value, target.conversion) : value, true);
  };
  return (fields) => {
    const out: Record<string, Json> = {};
    for (const name of Object.keys(fields)) {
      const value = fields[name];
      if (value === undefined) continue;
      if (name !== 'error' || !isObject(value)) {
        add(out, name, value);
        continue;
      }
      const rest: Record<string, Json> = {};
      for (const part of Object.keys(value)) {
        if (targets.has(`error.${part}`)) add(out, `error.${part}`, value[part] as Json);
        else rest[part] = value[part] as Json;
      }
      if (Object.keys(rest).length > 0) add(out, name, rest);
    }
    return out;
  };
};

const project = process.env.GOOGLE_CLOUD_PROJECT;

/** Cloud Logging wants the trace with its project, where that is known. */
const withProject = (fields: Record<string, Json>): Record<string, Json> => {
  const key = 'logging.googleapis.com/trace';
  if (project && typeof fields[key] === 'string') fields[key] = `projects/${project}/traces/${fields[key]}`;
  return fields;
};

/** The names of a convention. */
export const presetOf = (convention: 'default' | Convention): Preset => {
  if (convention === 'default') return ownNames;
  const head = (name: keyof typeof headFields) => targetOf(name, headFields[name], convention).name;
  const taken = new Set([head('timestamp'), head('message'), ...Object.keys(levels[convention]('info'))]);
  const rename = renaming(convention, convention === 'otel' ? putOtel : putFlat(taken));
  return {
    messageKey: head('message'),
    level: levels[convention],
    timestampKey: head('timestamp'),
    timestamp: convention === 'otel' ? nanoseconds : rfc3339,
    fields: convention === 'gcp' ? (fields) => withProject(rename(fields)) : rename,
  };
};
