import { isForPeople } from './say.ts';
import type { Message } from './sse.ts';
import type { LiveEvent } from './types.ts';

/** A row of the live tail: an event, or a place where some are missing. */
export type EventRow =
  | { readonly kind: 'event'; readonly id: string; readonly event: LiveEvent }
  | {
      readonly kind: 'gap';
      readonly id: string;
      /** Null: nobody knows how many. */
      readonly count: number | null;
      readonly why: GapReason;
    };

/** Why events are missing: too many came at once; they were forgotten before the page came back; they were another process's. */
export type GapReason = 'dropped' | 'too_old' | 'other_instance';

const parsed = (data: string): Readonly<Record<string, unknown>> | undefined => {
  try {
    const value: unknown = JSON.parse(data);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
};

/** Whether something is an event with what every event has. */
export const isEvent = (value: unknown): value is LiveEvent => {
  const { event_name, metadata, measurements } = (value ?? {}) as Partial<LiveEvent>;
  return (
    typeof event_name === 'string' &&
    typeof metadata?.timestamp === 'string' &&
    typeof measurements === 'object' &&
    measurements !== null
  );
};

/** What a message of the stream becomes; undefined where it is nothing to show. An event may have the name of a control frame: only the latter have no `event_name`. */
export const rowOf = ({ id, event, data }: Message): EventRow | undefined => {
  const value = parsed(data);
  if (isEvent(value)) return isForPeople(value) ? { kind: 'event', id, event: value } : undefined;
  if (event === 'reset') {
    return {
      kind: 'gap',
      id,
      count: null,
      why: value?.reason === 'other_instance' ? 'other_instance' : 'too_old',
    };
  }
  const count = value?.count;
  if (event !== 'dropped' || typeof count !== 'number' || !(count > 0)) return undefined;
  return { kind: 'gap', id, count, why: 'dropped' };
};

/** A batch with gaps that follow each other made one. Under load every flush has one, and they must not push out the events. */
export const joined = (rows: readonly EventRow[]): readonly EventRow[] => {
  const out: EventRow[] = [];
  for (const row of rows) {
    const last = out.at(-1);
    if (row.kind === 'gap' && last?.kind === 'gap' && row.why === last.why) {
      const count = row.count === null || last.count === null ? null : row.count + last.count;
      out[out.length - 1] = { ...row, count };
    } else out.push(row);
  }
  return out;
};

const counted = (count: number): string => `${count} ${count === 1 ? 'event' : 'events'}`;

/** What stands in the place of events that are missing. */
export const gapText = ({
  count,
  why,
}: {
  readonly count: number | null;
  readonly why: GapReason;
}): string => {
  if (why === 'dropped')
    return `${counted(count ?? 0)} not shown: more came at once than are sent. A filter lets less go.`;
  if (why === 'too_old')
    return 'Some events before this are missing: they were forgotten, or nobody took them down, before this page asked for them.';
  return 'What is above came from a process that has ended. Its last events are missing; from here on it is another one.';
};
