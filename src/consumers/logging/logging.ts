import type { Logger as Pino } from 'pino';
import type { CataloguedEvent, EventBus, EventName, SnakepitEvent } from '../../events/index.ts';
import { createSanitizer, cut } from '../../sanitize/index.ts';
import { addCanary, addIds, addSafe, addValues, contextFor, type LogSanitizer } from './fields.ts';
import { checkLevel, type LevelOption, type LogOptions } from './levels.ts';
import { lifecycleRules } from './lifecycle.ts';
import type { Line, LineFields } from './line.ts';
import { createLogger, type Logger, messageOf } from './logger.ts';
import { requestRules } from './requests.ts';
import type { Rule } from './rules.ts';
import { type LogCounts, ownWriter, userWriter, type Writer } from './writer.ts';

/** What {@link createLogging} is made from. */
export interface LoggingInit {
  /** The option `logs`, once it is not `false`. */
  readonly options: LogOptions;
  readonly bus: EventBus;
  /** What everything written is sanitized with. Default: one without options. */
  readonly sanitizer?: LogSanitizer | undefined;
  /** A logger of the user's, used instead of a destination of our own; `format` and `dest` do not count then. */
  readonly pino?: Pino;
}

/** The log: a consumer of the bus, and a facade to write with. */
export interface Logging {
  readonly logger: Logger;
  /** What could not be written. */
  counts(): LogCounts;
  /**
   * Changes the least level written, and with it which events are asked for.
   *
   * @throws SnakepitError `invalid_configuration` when it is no level
   */
  setLevel(level: LevelOption): void;
  /**
   * Opens the log file anew under its name: what rotates logs has renamed it. Nothing is lost. Standard streams and a user's own logger
   * are left as they are.
   *
   * @throws SnakepitError `invalid_configuration` when it cannot be opened; writing goes on to the one that was open
   */
  reopen(): void;
  /** Unregisters from the bus, writes what waits (at most two seconds), and closes the file. A user's own logger is left as it is. */
  close(): Promise<void>;
}

const LOGGER = 'snakepit';
const MAX_LOGGER = 200;

const rules = new Map<string, Rule>(
  Object.entries({ ...lifecycleRules, ...requestRules }) as [EventName, Rule][],
);

/**
 * Starts the log as consumer `logging`. It registers for just those events whose lines the level in force writes: at `warn` nobody
 * asks for `request.completed`, and the core does not even build it on our behalf.
 *
 * @throws SnakepitError `invalid_configuration` when `logs.dest` cannot be opened
 */
export const createLogging = ({
  options,
  bus,
  pino,
  sanitizer = createSanitizer(),
}: LoggingInit): Logging => {
  const nothing = () => {};
  let unregister = nothing;
  let closed = false;
  const subscribe = (): void => {
    unregister();
    unregister = nothing;
    if (closed) return;
    const patterns = [...rules].filter(([, rule]) => rule.levels.some(writer.enabled)).map(([name]) => name);
    if (patterns.length === 0) return;
    unregister = bus.registerConsumer(
      { patterns },
      { name: 'logging', handle: (event) => onEvent(writer, event, sanitizer) },
      { delivery: 'inline' },
    );
  };
  const { canary } = sanitizer;
  const inspect = canary && ((text: string) => canary.inspect('log', text));
  const writer: Writer =
    pino === undefined
      ? ownWriter(options, inspect)
      : userWriter(pino, options.level, () => subscribe(), inspect);
  subscribe();
  return {
    logger: createLogger(writer, sanitizer),
    counts: () => writer.counts(),
    setLevel: (level) => {
      writer.setLevel(checkLevel(level));
      subscribe();
    },
    reopen: () => writer.reopen(),
    close: () => {
      closed = true;
      subscribe();
      return writer.close();
    },
  };
};

const onEvent = (writer: Writer, event: SnakepitEvent, safe: LogSanitizer): void => {
  const rule = rules.get(event.event_name);
  if (rule === undefined) return;
  const { metadata } = event;
  let line: Line | undefined;
  try {
    line = lineOf(rule, event as unknown as CataloguedEvent, writer, safe);
  } catch {
    // Anybody may emit under a catalogued name, with values that cannot even become text: the line then tells what it can.
    const fields = { logger: LOGGER, event: event.event_name };
    addValues(fields, { measurements: event.measurements, metadata }, safe);
    const message = 'An event with unusable fields';
    line = { level: rule.levels[0], timestamp: metadata.timestamp, message, fields };
  }
  if (line !== undefined) writer.write(line);
};

/** What the rule makes of the event, or undefined when the level in force leaves it out. */
const lineOf = (rule: Rule, event: CataloguedEvent, writer: Writer, safe: LogSanitizer): Line | undefined => {
  const level = rule.level?.(event) ?? rule.levels[0];
  if (!writer.enabled(level)) return undefined;
  const { metadata } = event;
  const logger = rule.logger?.(event);
  const fields: LineFields = {
    logger: typeof logger === 'string' && logger !== '' ? cut(safe.text(logger), MAX_LOGGER) : LOGGER,
    event: event.event_name,
  };
  const context = contextFor(safe, metadata.correlation_id);
  if (context !== undefined) addSafe(fields, context);
  addIds(fields, metadata, safe);
  addValues(fields, event.measurements, safe);
  addValues(fields, metadata, safe, rule.fields ?? []);
  addCanary(fields, safe);
  const message = messageOf(rule.message(event), safe);
  return { level, timestamp: metadata.timestamp, message, fields };
};
