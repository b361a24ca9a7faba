import { signal } from '@preact/signals';
import { recorded } from '../../data/recorded.ts';
import { connection } from '../../data/store.ts';
import { apiUrl } from '../../data/urls.ts';
import { type EventFilter, passesOf, queryOf } from '../../text/event-filter.ts';
import { type EventRow, isEvent, joined, rowOf } from '../../text/event-rows.ts';
import { isForPeople } from '../../text/say.ts';
import type { Message } from '../../text/sse.ts';
import { Tail, type TailState } from '../../text/tail.ts';
import { EventFeed, type SourceState } from './source.ts';

/** Rows are added in batches: at most so often. */
const BATCH_MS = 250;
const MAX_ROWS = 1000;
/** Between two batches no more than this waits, whatever comes. */
const MAX_FRESH = 2 * MAX_ROWS;
/** What is kept on the server reaches back as long as it does. */
const SINCE = '1h';

/** The events that pass a filter: those of the last hour that are kept, and then live. */
export class EventLog {
  readonly state = signal<SourceState>({ kind: 'connecting' });
  readonly rows = signal<TailState<EventRow>>(new Tail<EventRow>().state);
  // A recorded page has a bounded number of them, and no more will come.
  readonly #tail = new Tail<EventRow>(recorded === null ? MAX_ROWS : Number.POSITIVE_INFINITY);
  #fresh: EventRow[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #feed: EventFeed | undefined;

  constructor(filter: EventFilter) {
    if (recorded !== null) this.#replay(recorded.events, filter);
    else {
      this.#feed = new EventFeed({
        url: apiUrl(`api/events?${queryOf(filter, SINCE)}`),
        onMessages: (messages) => this.#take(messages),
        onState: (state) => {
          if (state.kind !== this.state.value.kind || state.kind !== 'live') this.state.value = state;
        },
        onLogin: () => {
          connection.value = { kind: 'login' };
        },
      });
    }
  }

  pause(): void {
    this.#flush();
    this.#tail.pause();
    this.#show();
  }

  resume(): void {
    this.#flush();
    this.#tail.resume();
    this.#show();
  }

  clear(): void {
    this.#fresh = [];
    this.#tail.clear();
    this.#show();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#feed?.close();
  }

  #replay(events: readonly unknown[], filter: EventFilter): void {
    const passes = passesOf(filter);
    const shown = events.filter(isEvent).filter((event) => isForPeople(event) && passes(event));
    this.#tail.add(shown.map((event, i) => ({ kind: 'event', id: `recorded-${i}`, event })));
    this.state.value = { kind: 'live' };
    this.#show();
  }

  #take(messages: readonly Message[]): void {
    for (const message of messages) {
      const row = rowOf(message);
      if (row !== undefined) this.#fresh.push(row);
    }
    // A hidden tab's timers are slow; the last of what came is what matters.
    if (this.#fresh.length > MAX_FRESH) this.#flush();
    this.#timer ??= setTimeout(() => this.#flush(), BATCH_MS);
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#fresh.length === 0) return;
    const fresh = joined(this.#fresh);
    this.#fresh = [];
    this.#tail.add(fresh);
    this.#show();
  }

  #show(): void {
    this.rows.value = this.#tail.state;
  }
}
