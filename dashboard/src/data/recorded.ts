import { history, workerRow, workersFrame } from './parse.ts';
import { nowFrame } from './parse-now.ts';
import { json, list, number, raw, text } from './shape.ts';
import type { History, NowFrame, WorkersFrame } from './types.ts';

/** What was written into the file of an incident. */
export interface Recorded {
  readonly at: number;
  readonly now: NowFrame | null;
  readonly workers: WorkersFrame | null;
  readonly total: History | null;
  readonly pools: Readonly<Record<string, History | null>>;
  /** Oldest first, as the server sends them. */
  readonly events: readonly unknown[];
  /** Answers of the API by path. */
  answer(path: string): unknown;
}

const worker = (frame: unknown, id: string): unknown => {
  const rows = Object.values(raw(raw(frame).pools)).flatMap((each) => list(each));
  const row = rows.find((each) => raw(each).worker_id === id);
  if (!row) return undefined;
  const { pool_name, worker_slot } = workerRow(row);
  return { worker: row, pool: pool_name, worker_slot, worker_id: id, readings: null, lives: [], events: [] };
};

const answers = (data: ReturnType<typeof raw>, path: string): unknown => {
  const [where = '', query = ''] = path.split('?');
  const last = decodeURIComponent(where.split('/').at(-1) ?? '');
  if (where === 'api/errors') return data.errors;
  if (where.startsWith('api/errors/')) return raw(data.error_details)[last];
  if (where === 'api/requests/slow') return data.slow;
  if (where === 'health/detailed') return data.health;
  if (where === 'health/telemetry') return data.telemetry;
  if (where === 'api/config') return data.config ?? undefined;
  if (where === 'health/workers') return data.workers;
  if (where.startsWith('api/workers/')) return worker(data.workers, last);
  if (where !== 'api/history') return undefined;
  const asked = new URLSearchParams(query);
  if (asked.get('command')) return undefined;
  const pool = asked.get('pool');
  return pool ? raw(raw(data.history).pools)[pool] : raw(data.history).total;
};

/** Reads the data of a recorded page; null where there is none. */
export const readRecorded = (source: string | null | undefined): Recorded | null => {
  const value = source ? json(source) : undefined;
  if (value === undefined) return null;
  const data = raw(value);
  const recordedAt = number(data.recorded_at) ?? Date.parse(text(data.recorded_at) ?? '');
  const now = nowFrame(data.now);
  const pools = raw(raw(data.history).pools);
  return {
    at: Number.isFinite(recordedAt) ? recordedAt : (now?.at ?? 0),
    now,
    workers: workersFrame(data.workers),
    total: history(raw(data.history).total),
    pools: Object.fromEntries(Object.entries(pools).map(([name, each]) => [name, history(each)])),
    events: list(data.events),
    answer: (path) => answers(data, path),
  };
};

const element = typeof document === 'undefined' ? null : document.getElementById('recorded');
export const recorded: Recorded | null = readRecorded(element?.textContent);
export const isRecorded: boolean = recorded !== null;
