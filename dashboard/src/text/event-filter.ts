import { matcherOf, patternsOf } from './pattern.ts';
import { type Level, levelOf, levels } from './say.ts';
import type { LiveEvent } from './types.ts';

/** Which events are shown. Empty texts do not matter. */
export interface EventFilter {
  /** As it stands in the field. */
  readonly pattern: string;
  readonly pool: string;
  readonly command: string;
  readonly correlationId: string;
  readonly level: Level;
}

/** A level from a link; what is none is `otherwise`. */
export const levelFrom = (text: string | null | undefined, otherwise: Level): Level =>
  levels.find((level) => level === text) ?? otherwise;

/** The query that asks the server for them. `since` brings what is kept from then on. */
export const queryOf = (filter: EventFilter, since: string): string => {
  const query = new URLSearchParams();
  for (const pattern of patternsOf(filter.pattern)) query.append('pattern', pattern);
  if (filter.pool !== '') query.set('pool', filter.pool);
  if (filter.command !== '') query.set('command', filter.command);
  if (filter.correlationId !== '') query.set('correlation_id', filter.correlationId);
  query.set('level', filter.level);
  query.set('since', since);
  return query.toString();
};

/** The same as a test, for events that are here already. */
export const passesOf = (filter: EventFilter): ((event: LiveEvent) => boolean) => {
  const named = matcherOf(patternsOf(filter.pattern));
  const least = levels.indexOf(filter.level);
  const fields = [
    ['pool_name', filter.pool],
    ['command', filter.command],
    ['correlation_id', filter.correlationId],
  ] as const;
  return (event) =>
    named(event.event_name) &&
    levels.indexOf(levelOf(event)) >= least &&
    fields.every(([field, wanted]) => wanted === '' || event.metadata[field] === wanted);
};
