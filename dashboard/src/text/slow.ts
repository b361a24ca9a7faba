import type { SlowRequest } from './types.ts';

/** Since when a request runs. Milliseconds since 1970; null where it is not known. */
export const beganAt = ({ timestamp, duration_ms }: SlowRequest): number | null => {
  const noticed = Date.parse(timestamp);
  return Number.isNaN(noticed) || duration_ms === null ? null : noticed - duration_ms;
};

export const isRunning = ({ status }: SlowRequest): boolean => status === 'running';

/** How long it took, or has taken so far: while it runs that grows. */
export const tookMs = (request: SlowRequest, now: number): number | null => {
  if (!isRunning(request)) return request.total_ms ?? request.duration_ms;
  const began = beganAt(request);
  return began === null ? request.duration_ms : Math.max(request.duration_ms ?? 0, now - began);
};

/** Names it in an address. */
export const slowKey = ({ request_id, timestamp }: SlowRequest): string => request_id ?? timestamp;

/** Those that run come first, the longest first; then the others, the newest first. */
export const inUrgency = (requests: readonly SlowRequest[], now: number): readonly SlowRequest[] => {
  const running = requests.filter(isRunning).sort((a, b) => (tookMs(b, now) ?? 0) - (tookMs(a, now) ?? 0));
  const ended = requests.filter((request) => !isRunning(request));
  return [...running, ...ended.sort((a, b) => Date.parse(b.timestamp) - Date.parse(a.timestamp))];
};

/** A place in that order, for a table that sorts by one number: the higher, the more urgent. */
export const urgency = (request: SlowRequest): number => {
  const noticed = Date.parse(request.timestamp) || 0;
  // Those that run: the longest began first. Later than any time of day.
  return isRunning(request) ? 2 ** 52 - (beganAt(request) ?? noticed) : noticed;
};

export type SlowTone = 'ok' | 'warning' | 'error' | 'info' | 'neutral';

/** How a status looks; a word stands beside it. */
export const slowTone = (status: string): SlowTone => {
  if (status === 'running') return 'info';
  if (status === 'success') return 'ok';
  return status === 'cancelled' || status === 'unknown' ? 'neutral' : 'error';
};
