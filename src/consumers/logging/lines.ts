import type { CataloguedEvent, EventName, EventSubject, SnakepitEvent } from '../../events/index.ts';
import { cut } from '../../sanitize/index.ts';
import { argsText } from './args.ts';
import { addCanary, addEventContext, addIds, addValues, type LogSanitizer } from './fields.ts';
import type { Level, LogOptions } from './levels.ts';
import { lifecycleRules } from './lifecycle.ts';
import { beginFields, type Line } from './line.ts';
import { messageOf } from './logger.ts';
import { requestRules } from './requests.ts';
import type { Rule } from './rules.ts';

const LOGGER = 'snakepit';
const MAX_LOGGER = 200;

/** A rule, with the component its lines are from. */
export interface LineRule extends Rule {
  readonly component: string;
}

/** A rule for each event that becomes a line. */
export const lineRules: ReadonlyMap<string, LineRule> = new Map(
  (Object.entries({ ...lifecycleRules, ...requestRules }) as [EventName, Rule][]).map(([name, rule]) => [
    name,
    { ...rule, component: name.split('.', 2).join('.') },
  ]),
);

/** The level of an event's line. */
export const levelOf = (rule: Rule, event: SnakepitEvent): Level => {
  try {
    return rule.level?.(event as unknown as CataloguedEvent) ?? rule.levels[0];
  } catch {
    return rule.levels[0];
  }
};

/** `snakepit.worker`; for a record of Python's `python.` and the name of its logger. */
export const componentOf = (rule: LineRule, event: SnakepitEvent): string => {
  if (rule.logger === undefined) return rule.component;
  const { logger } = event.metadata;
  return typeof logger === 'string' && logger !== '' ? `python.${logger}` : 'python';
};

/** What lines of events are made with. */
export interface LineParts {
  readonly sanitizer: LogSanitizer;
  /** How arguments are shown. Read at each use, since it changes live. */
  readonly args: () => LogOptions['args'];
  /** Keys of arguments whose values may be shown where shapes are. */
  readonly showArgs: readonly string[];
}

/**
 * The line of an event.
 *
 * @param subject - the request it is of
 * @param isFull - the request is logged fully
 */
export const lineOf = (
  rule: LineRule,
  level: Level,
  event: SnakepitEvent,
  subject: EventSubject | undefined,
  isFull: boolean,
  parts: LineParts,
): Line => {
  try {
    return toLine(rule, level, event as unknown as CataloguedEvent, subject, isFull, parts);
  } catch {
    // Anybody may emit under a catalogued name, with values that cannot even become text: the line then tells what it can.
    const fields = { logger: LOGGER, event: event.event_name };
    const { measurements, metadata } = event;
    addValues(fields, { measurements, metadata }, parts.sanitizer);
    return { level, timestamp: metadata.timestamp, message: 'An event with unusable fields', fields };
  }
};

const toLine = (
  rule: LineRule,
  level: Level,
  event: CataloguedEvent,
  subject: EventSubject | undefined,
  isFull: boolean,
  { sanitizer: safe, args, showArgs }: LineParts,
): Line => {
  const { metadata } = event;
  const logger = rule.logger?.(event);
  const name = typeof logger === 'string' && logger !== '' ? cut(safe.text(logger), MAX_LOGGER) : LOGGER;
  const fields = beginFields(name, event.event_name);
  addEventContext(fields, safe, metadata.correlation_id, subject);
  addIds(fields, metadata, safe);
  addValues(fields, event.measurements, safe);
  if (rule.fields !== undefined) addValues(fields, metadata, safe, rule.fields);
  if (subject !== undefined && rule.args !== undefined) {
    const { show, completed } = args();
    if (rule.args === 'always' || completed || isFull)
      fields.args = argsText(subject.rawArgs, show, showArgs, safe);
  }
  addCanary(fields, safe);
  return { level, timestamp: metadata.timestamp, message: messageOf(rule.message(event), safe), fields };
};
