import { catalog, type EventName, type LogLevel, type SnakepitEvent } from '../../events/index.ts';

/**
 * How often events of a name come, and so what it costs to take them: 0 for failures and what happens to pools and workers, which are taken at all times; 1 for what Python and the user's own
 * code say; 2 for what every request and chunk brings.
 */
export type Depth = 0 | 1 | 2;

/** What is known of all events of a name. */
export interface Kind {
  readonly depth: Depth;
  readonly level: LogLevel;
}

/** From the least. */
export const levels: readonly LogLevel[] = ['debug', 'info', 'warning', 'error', 'critical'];

const ERRORS: ReadonlySet<string> = new Set([
  'snakepit.worker.crashed',
  'snakepit.worker.start_failed',
  'snakepit.worker.stuck',
  'snakepit.worker.quarantined',
]);
const WARNINGS: ReadonlySet<string> = new Set([
  'snakepit.pool.saturated',
  'snakepit.worker.heartbeat_missed',
  'snakepit.request.retried',
  'snakepit.request.slow',
  'snakepit.request.rejected',
  'snakepit.threshold.exceeded',
  'snakepit.observability.consumer_failed',
  'snakepit.observability.circuit_opened',
  'snakepit.observability.dropped',
]);
const LISTED: ReadonlySet<string> = new Set([
  'snakepit.request.cancelled',
  'snakepit.observability.config_changed',
]);

const traitOf = (name: string) => catalog[name as EventName].trait;

const isNotable = (name: string): boolean => {
  if (!Object.hasOwn(catalog, name)) return false;
  const trait = traitOf(name);
  return trait === 'lifecycle' || trait === 'failure' || LISTED.has(name);
};

const depthOf = (name: string): Depth => {
  if (isNotable(name)) return 0;
  return Object.hasOwn(catalog, name) && !name.startsWith('python.') ? 2 : 1;
};

/** Names of a depth in the catalogue. */
export const namesAt = (depth: Depth): readonly string[] =>
  Object.keys(catalog).filter((name) => depthOf(name) === depth);

const levelOfName = (name: string): LogLevel => {
  if (ERRORS.has(name)) return 'error';
  if (WARNINGS.has(name)) return 'warning';
  if (!Object.hasOwn(catalog, name) || LISTED.has(name)) return 'info';
  const trait = traitOf(name);
  return trait === 'failure' ? 'error' : trait === 'lifecycle' ? 'info' : 'debug';
};

const kinds = new Map<string, Kind>();

/** Names are bounded by the bus. */
export const kindOf = (name: string): Kind => {
  const known = kinds.get(name);
  if (known !== undefined) return known;
  const kind = { depth: depthOf(name), level: levelOfName(name) };
  kinds.set(name, kind);
  return kind;
};

/** The level of an event: what a log record of Python or an event of the user's own says of itself, else what its name stands for. */
export const levelOf = ({ event_name, metadata }: SnakepitEvent, kind = kindOf(event_name)): LogLevel => {
  if (kind.depth !== 1) return kind.level;
  const said = metadata.level as LogLevel;
  return levels.includes(said) ? said : kind.level;
};
