import type { ResolvedOptions } from '../../../config/index.ts';
import { SnakepitError } from '../../../errors/index.ts';
import type { SnakepitEvent } from '../../../events/index.ts';
import type { ApplicationMetrics, LabelValues, Rejection } from '../record/application.ts';
import type { MetricSpec } from '../record/spec.ts';

type Declared = Exclude<ResolvedOptions['metrics'], false>['custom'][string];

/** One metric that is made of events. */
interface Mapping {
  readonly name: string;
  readonly type: Declared['type'];
  /** Where the value is; undefined: each event counts 1. */
  readonly value: readonly string[] | undefined;
  readonly scale: number;
  readonly labels: readonly (readonly [label: string, path: readonly string[]])[];
  readonly matches: (event: string) => boolean;
}

interface Init {
  readonly declared: Readonly<Record<string, Declared>>;
  readonly application: ApplicationMetrics;
  readonly reject: (reason: Rejection) => void;
}

/** The metrics that the configuration makes of events (`metrics.custom`). What an event lacks is counted, never thrown. */
export class CustomMetrics {
  readonly #mappings: readonly Mapping[];
  readonly #application: ApplicationMetrics;
  readonly #reject: Init['reject'];
  /** Which mappings an event has; the bus bounds how many names there are. */
  readonly #byEvent = new Map<string, readonly Mapping[]>();
  /** Patterns of the events that are wanted. */
  readonly wanted: readonly string[];

  /** @throws SnakepitError `invalid_configuration` when one cannot be exposed, or its name is taken */
  constructor({ declared, application, reject }: Init) {
    this.#application = application;
    this.#reject = reject;
    const entries = Object.entries(declared);
    for (const [name, of] of entries) register(application, name, of);
    this.#mappings = entries.map(([name, of]) => mappingOf(name, of));
    this.wanted = [...new Set(entries.map(([, { event }]) => event))];
  }

  /** Whether anything is made of events of this name. */
  takes(event: string): boolean {
    return this.#mappings.length > 0 && this.#mappingsOf(event).length > 0;
  }

  handle(event: SnakepitEvent): void {
    for (const mapping of this.#mappingsOf(event.event_name)) this.#count(mapping, event);
  }

  #mappingsOf(event: string): readonly Mapping[] {
    let found = this.#byEvent.get(event);
    if (found === undefined) {
      found = this.#mappings.filter(({ matches }) => matches(event));
      this.#byEvent.set(event, found);
    }
    return found;
  }

  #count({ name, type, value, scale, labels }: Mapping, event: SnakepitEvent): void {
    try {
      const read = value === undefined ? 1 : at(event, value);
      const number = typeof read === 'boolean' ? Number(read) : read;
      const values: Record<string, unknown> = {};
      for (const [label, path] of labels) values[label] = at(event, path);
      const scaled = typeof number === 'number' ? number * scale : number;
      this.#application.update(type, name, values as LabelValues, scaled as number);
    } catch {
      // A getter in what somebody emitted.
      this.#reject('malformed_event');
    }
  }
}

const register = (application: ApplicationMetrics, name: string, of: Declared): void => {
  const { type, help, labels, unit, buckets, quantiles } = of;
  const spec: MetricSpec = {
    type,
    name,
    help,
    labels: Object.keys(labels),
    ...(unit !== undefined && { unit }),
    ...(buckets !== undefined && { buckets }),
    ...(quantiles !== undefined && { quantiles }),
  };
  try {
    if (of.value === undefined && type !== 'counter')
      throw new TypeError(`Metric '${name}' is a ${type}: say where its value is, as 'measurements.<name>'.`);
    application.register(spec);
  } catch (error) {
    throw new SnakepitError('invalid_configuration', `metrics.custom.${name}: ${(error as Error).message}`);
  }
};

const mappingOf = (name: string, { type, event, value, scale, labels }: Declared): Mapping => ({
  name,
  type,
  value: value?.split('.'),
  scale,
  labels: Object.entries(labels).map(([label, path]) => [label, path.split('.')]),
  matches: matcher(event),
});

/** A part may be `*`; a final `**` matches the rest, also nothing. */
const matcher = (pattern: string): ((event: string) => boolean) => {
  const parts = pattern.split('.');
  const open = parts.at(-1) === '**';
  if (open) parts.pop();
  return (event) => {
    const got = event.split('.');
    if (open ? got.length < parts.length : got.length !== parts.length) return false;
    return parts.every((part, i) => part === '*' || part === got[i]);
  };
};

/** What is found there; undefined where the path leads nowhere. Own members only: `constructor` is no label value. */
const at = (event: SnakepitEvent, path: readonly string[]): unknown => {
  let found: unknown = event;
  for (const key of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, key)) return undefined;
    found = (found as Record<string, unknown>)[key];
  }
  return found;
};
