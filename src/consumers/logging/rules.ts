import type { CataloguedEvent, EventName } from '../../events/index.ts';
import type { Level } from './levels.ts';

/** How an event becomes a line. Its measurements and ids become fields by themselves. */
export interface Rule<N extends EventName = EventName> {
  /** Levels its lines can have: the event is asked for only when one of them is written. */
  readonly levels: readonly [Level, ...Level[]];
  /** Which of them, where it depends. Default: the first. */
  level?(event: CataloguedEvent<N>): Level;
  message(event: CataloguedEvent<N>): string;
  /** Default `snakepit`. */
  logger?(event: CataloguedEvent<N>): unknown;
  /** Whether its lines have the arguments of the request: `asked`, where the option `logs.args.completed` is on or the request is logged fully. */
  readonly args?: 'always' | 'asked';
  /** Metadata that become fields. A list and not a function: one object less for every line. */
  readonly fields?: readonly (keyof CataloguedEvent<N>['metadata'] & string)[];
}

/** A rule for each event worth a line; the others are counted and shown elsewhere. */
export type Rules = { readonly [N in EventName]?: Rule<N> };

/** What the events of failures tell. */
export const failure = ['code', 'category', 'retryable', 'error'] as const;

/** `1234` → `1.23 s`, `12.345` → `12.3 ms`. */
export const duration = (ms: number): string =>
  ms >= 1000 ? `${Math.round(ms / 10) / 100} s` : `${Math.round(ms * 10) / 10} ms`;
