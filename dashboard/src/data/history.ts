import { type Signal, signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { advance, joins } from './advance.ts';
import { getJson } from './api.ts';
import { history as parseHistory } from './parse.ts';
import { recorded } from './recorded.ts';
import { connection } from './store.ts';
import type { History, SliceFrame } from './types.ts';

interface Entry {
  readonly pool: string | undefined;
  readonly command: string | undefined;
  readonly value: Signal<History | null>;
  users: number;
  loading: boolean;
  loadedAt: number;
}

const entries = new Map<string, Entry>();

/** What is told by command does not come with the stream; it is asked for anew that often, ms. */
const COMMAND_MS = 10_000;

const pathOf = ({ pool, command }: Entry): string => {
  const query = new URLSearchParams();
  if (pool !== undefined) query.set('pool', pool);
  if (command !== undefined) query.set('command', command);
  return query.size > 0 ? `api/history?${query}` : 'api/history';
};

const load = async (entry: Entry): Promise<void> => {
  if (entry.loading || connection.value.kind === 'login') return;
  entry.loading = true;
  entry.loadedAt = Date.now();
  try {
    entry.value.value = parseHistory(await getJson<unknown>(pathOf(entry)));
  } catch {
    // The connection says what is wrong; the next slice, or the next sign of life, makes it tried again.
  } finally {
    entry.loading = false;
  }
};

const entryOf = (pool?: string, command?: string): Entry => {
  const key = JSON.stringify([pool ?? null, command ?? null]);
  const known = entries.get(key);
  if (known) return known;
  const entry: Entry = { pool, command, value: signal(null), users: 0, loading: false, loadedAt: 0 };
  entries.set(key, entry);
  return entry;
};

const isUsed = (entry: Entry): boolean => entry.users > 0;

/** A step is over: every history that is shown goes on by one. */
export const onSlice = (frame: SliceFrame): void => {
  for (const [key, entry] of entries) {
    if (!isUsed(entry)) entries.delete(key);
    else if (entry.command !== undefined) {
      if (Date.now() - entry.loadedAt >= COMMAND_MS) void load(entry);
    } else if (!entry.value.value || !joins(entry.value.value, frame)) void load(entry);
    else {
      const slice = entry.pool === undefined ? frame.total : (frame.pools[entry.pool] ?? null);
      entry.value.value = advance(entry.value.value, frame, slice, entry.pool);
    }
  }
};

/** Another instance, or a break: what is known no longer joins on to what comes. */
export const reloadHistories = (): void => {
  for (const entry of entries.values()) if (isUsed(entry)) void load(entry);
};

/** The last fifteen minutes: of all, of a pool, or of a command; null until it is there. */
export const useHistory = (pool?: string, command?: string): History | null => {
  const entry = entryOf(pool, command);
  useEffect(() => {
    const mine = entryOf(pool, command);
    mine.users += 1;
    if (!mine.value.value || !recorded) void load(mine);
    return () => {
      mine.users -= 1;
    };
  }, [pool, command]);
  return entry.value.value;
};
