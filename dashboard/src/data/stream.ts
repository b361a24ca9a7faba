import { batch } from '@preact/signals';
import { getJson } from './api.ts';
import { type Feed, type FeedState, openFeed } from './feed.ts';
import { onSlice, reloadHistories } from './history.ts';
import { sliceFrame, workersFrame } from './parse.ts';
import { nowFrame } from './parse-now.ts';
import { isRecorded } from './recorded.ts';
import { json, raw } from './shape.ts';
import { connection, now, skew, workers } from './store.ts';
import { apiUrl } from './urls.ts';

/** What comes over the stream: `now` and `slice` always, `workers` where a view shows them. */
const BATCH_MS = 250;
/** A sign of life comes every second. */
const SILENCE_MS = 4000;

let feed: Feed | null = null;
let topics = 'now,slice';
let waiting: { readonly name: string; readonly data: string }[] = [];
let timer: ReturnType<typeof setTimeout> | undefined;
let broken = false;
let heardAt: number | null = null;

const onNow = (value: unknown): void => {
  const frame = nowFrame(value);
  if (!frame) return;
  const isAnother = now.value !== null && now.value.instance !== frame.instance;
  now.value = frame;
  // Steps of the clocks matter, the time on the way does not.
  const measured = frame.at - Date.now();
  if (Math.abs(measured - skew.value) > 1500) skew.value = measured;
  if (isAnother || broken) reloadHistories();
  broken = false;
};

const apply = ({ name, data }: { readonly name: string; readonly data: string }): void => {
  const value = json(data);
  if (name === 'now') onNow(value);
  else if (name === 'workers') workers.value = workersFrame(value) ?? workers.value;
  else if (name === 'slice') {
    const frame = sliceFrame(value);
    if (frame) onSlice(frame);
  } else if (raw(value).reason !== undefined) connection.value = { kind: 'closed', since: Date.now() };
};

const flush = (): void => {
  timer = undefined;
  const frames = waiting;
  waiting = [];
  batch(() => frames.forEach(apply));
};

/** Levels: the latest counts. Slices: each counts. */
const onMessage = (name: string, data: string): void => {
  heardAt = Date.now();
  if (name === 'now' || name === 'workers') waiting = waiting.filter((each) => each.name !== name);
  waiting.push({ name, data });
  if (timer !== undefined) return;
  if (now.value === null) flush();
  timer ??= setTimeout(flush, BATCH_MS);
};

const onState = (state: FeedState): void => {
  if (state.kind === 'closed') return;
  if (state.kind === 'stale') broken = true;
  const before = connection.value;
  // Somebody without a login is not connecting, and an instance that said farewell is not merely silent.
  if (before.kind === 'login' && state.kind !== 'live') return;
  if (before.kind === 'closed' && state.kind !== 'live') return;
  if (before.kind === 'stale' && state.kind === 'stale') return;
  if (before.kind !== state.kind) connection.value = state;
};

const needsLogin = async (): Promise<boolean> => {
  try {
    const { login, authenticated } = await getJson<{ login: string; authenticated: boolean }>('api/login');
    return login === 'form' && !authenticated;
  } catch {
    return false;
  }
};

const open = (): void => {
  feed?.close();
  feed = openFeed({
    url: () => apiUrl(`api/live?topics=${topics}`),
    events: ['now', 'workers', 'slice', 'bye'],
    silenceMs: SILENCE_MS,
    heardAt,
    onMessage,
    onState,
    needsLogin,
  });
};

/** Begins, or begins anew after a login. */
export const startStream = (): void => {
  if (isRecorded) return;
  connection.value = { kind: 'connecting' };
  heardAt = null;
  open();
};

/** Views with rows of workers want those too. */
export const wantWorkers = (wanted: boolean): void => {
  const next = wanted ? 'now,workers,slice' : 'now,slice';
  if (next === topics) return;
  topics = next;
  if (feed) open();
};
