import type { Logger as Pino } from 'pino';
import { SnakepitError } from '../../errors/index.ts';
import { type EventBus, isCorrelationId, now, type SnakepitEvent } from '../../events/index.ts';
import { createSanitizer } from '../../sanitize/index.ts';
import type { LogSanitizer } from './fields.ts';
import { Forced, MAX_FORCED_MS } from './forced.ts';
import { LineGate } from './gate.ts';
import { checkLevel, type LevelOption, LevelRules, type LogOptions } from './levels.ts';
import { componentOf, type LineParts, type LineRule, levelOf, lineOf, lineRules } from './lines.ts';
import { createLogger, type Logger } from './logger.ts';
import { ownWriter } from './own-writer.ts';
import { userWriter } from './user-writer.ts';
import type { LogCounts, LogLosses, Writer } from './writer.ts';

/** The options of the log; `level`, `format` and `dest` are the least. */
export type LoggingOptions = Pick<LogOptions, 'level' | 'format' | 'dest'> & Partial<LogOptions>;

/** What {@link createLogging} is made from. */
export interface LoggingInit {
  /** The option `logs`, once it is not `false`. */
  readonly options: LoggingOptions;
  readonly bus: EventBus;
  /** What everything written is sanitized with. Default: one without options. */
  readonly sanitizer?: LogSanitizer | undefined;
  /** Keys of arguments whose values `logs.args.show: 'shapes'` shows. Default: none. */
  readonly showArgs?: readonly string[];
  /** A logger of the user's, used instead of a destination of our own; `format`, `fields` and `dest` do not count then. Default: `options.pino`. */
  readonly pino?: Pino | undefined;
}

/** How {@link Logging.logRequest} goes about it. */
export interface LogRequestOptions {
  /** For how long. Milliseconds, above 0, at most 24 hours. Default: ten minutes. */
  readonly forMs?: number | undefined;
}

/** The log: a consumer of the bus, and a facade to write with. */
export interface Logging {
  readonly logger: Logger;
  /** What could not be written. */
  counts(): LogCounts;
  /** Lines lost, by reason. */
  losses(): LogLosses;
  /**
   * Changes the least level written, and with it which events are asked for.
   *
   * @throws SnakepitError `invalid_configuration` when it is no level
   */
  setLevel(level: LevelOption): void;
  /** Puts the live part of the options in force: levels and how arguments are shown. They are valid: the schema has seen them. */
  configure(options: LoggingOptions): void;
  /**
   * Logs everything about the requests of one correlation id, whatever level, sampling and rate limits say. It is sanitized all the same. At most a thousand ids at a time; the
   * oldest makes room.
   *
   * @returns until when, epoch milliseconds
   * @throws SnakepitError `invalid_arguments`
   */
  logRequest(correlationId: string, options?: LogRequestOptions): number;
  /** Counts a header that asked for a request to be logged fully and was of no use, and says why at `debug`. */
  refusedHeader(why: string): void;
  /** How many there were. */
  refusedHeaders(): number;
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

const FORCED_MS = 10 * 60 * 1000;
const ARGS: LogOptions['args'] = { show: 'values', completed: false };

/**
 * Starts the log as consumer `logging`. It registers for just those events whose lines some level in force writes: at `warn` nobody
 * asks for `request.completed`, and the core does not even build it on our behalf. While a request is logged fully there is a second consumer, `logging_full`, which sampling
 * does not touch.
 *
 * @throws SnakepitError `invalid_configuration` when `logs.dest` cannot be opened
 */
export const createLogging = ({
  options,
  bus,
  pino = options.pino as Pino | undefined,
  showArgs = [],
  sanitizer = createSanitizer(),
}: LoggingInit): Logging => {
  let current = options;
  let closed = false;
  let unregister: (() => void)[] = [];
  const levels = new LevelRules(options);
  const forced = new Forced(() => subscribe());
  const { canary } = sanitizer;
  const inspect = canary && ((text: string) => canary.inspect('log', text));
  const writer: Writer =
    pino === undefined
      ? ownWriter(options as LogOptions, inspect)
      : userWriter(pino, () => subscribe(), inspect);
  const gate = new LineGate(levels, forced, writer);
  const parts: LineParts = { sanitizer, showArgs, args: () => current.args ?? ARGS };

  const write = (
    rule: LineRule,
    event: SnakepitEvent,
    level: ReturnType<typeof levelOf>,
    isFull: boolean,
  ) => {
    const { subject } = bus;
    const own = subject?.requestId === event.metadata.request_id ? subject : undefined;
    writer.write(lineOf(rule, level, event, own, isFull, parts));
  };
  const onEvent = (event: SnakepitEvent): void => {
    const rule = lineRules.get(event.event_name);
    if (rule === undefined || forced.has(event.metadata.correlation_id)) return;
    const level = levelOf(rule, event);
    if (gate.byLevel(level, componentOf(rule, event), event.metadata)) write(rule, event, level, false);
  };
  const onFull = (event: SnakepitEvent): void => {
    const rule = lineRules.get(event.event_name);
    if (rule === undefined) return;
    const level = levelOf(rule, event);
    if (gate.byForce(level, event.metadata.correlation_id)) write(rule, event, level, true);
  };
  const subscribe = (): void => {
    for (const end of unregister) end();
    unregister = [];
    if (closed) return;
    const isAsked = ([, rule]: [string, LineRule]) =>
      rule.levels.some((level) => writer.takes(level) && levels.mayWrite(level));
    const patterns = [...lineRules].filter(isAsked).map(([name]) => name);
    const inline = { delivery: 'inline' } as const;
    if (patterns.length > 0)
      unregister.push(bus.registerConsumer({ patterns }, { name: 'logging', handle: onEvent }, inline));
    if (forced.isEmpty) return;
    const all = { patterns: [...lineRules.keys()] };
    const full = { name: 'logging_full', handle: onFull };
    unregister.push(bus.registerConsumer(all, full, { ...inline, sampled: false }));
  };
  const configure = (next: LoggingOptions): void => {
    current = next;
    levels.configure(next);
    subscribe();
  };
  subscribe();
  const logger = createLogger({ writer, gate, sanitizer });
  let refused = 0;
  return {
    logger,
    counts: () => ({
      writeErrors: writer.writeErrors(),
      dropped: Object.values(writer.losses()).reduce((sum, lost) => sum + lost, 0),
    }),
    losses: () => writer.losses(),
    setLevel: (level) => configure({ ...current, level: checkLevel(level) }),
    configure,
    logRequest: (correlationId, { forMs = FORCED_MS } = {}) => {
      checkForced(correlationId, forMs);
      const until = now() + forMs;
      if (!closed) forced.add(correlationId, until);
      return until;
    },
    refusedHeader: (why) => {
      refused++;
      logger.debug(`A header x-snakepit-log was ignored: ${why}`, { event: 'snakepit.log.header_refused' });
    },
    refusedHeaders: () => refused,
    reopen: () => writer.reopen(),
    close: () => {
      closed = true;
      forced.clear();
      subscribe();
      return writer.close();
    },
  };
};

const checkForced = (correlationId: unknown, forMs: unknown): void => {
  if (!isCorrelationId(correlationId as string)) {
    const got = JSON.stringify(String(correlationId)).slice(0, 80);
    throw new SnakepitError(
      'invalid_arguments',
      `logRequest: got ${got}, which is no correlation id; give the one the call was made with.`,
    );
  }
  if (typeof forMs !== 'number' || !(forMs > 0 && forMs <= MAX_FORCED_MS)) {
    throw new SnakepitError(
      'invalid_arguments',
      `logRequest: forMs is ${String(forMs).slice(0, 40)}; give milliseconds above 0, at most ${MAX_FORCED_MS} (24 hours).`,
    );
  }
};
