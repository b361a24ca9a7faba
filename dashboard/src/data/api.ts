import { useEffect, useRef, useState } from 'preact/hooks';
import { asProblem, notRecorded, type Problem, ProblemError, problemOf, unreachable } from './problem.ts';
import { recorded } from './recorded.ts';
import { raw } from './shape.ts';
import { connection } from './store.ts';
import { apiUrl } from './urls.ts';

export { type Problem, ProblemError } from './problem.ts';

export interface Asked {
  readonly signal?: AbortSignal;
  readonly method?: 'GET' | 'POST';
  /** Sent as JSON. */
  readonly body?: unknown;
}

const ask = async (path: string, { signal, method = 'GET', body }: Asked): Promise<Response> => {
  const headers: Record<string, string> = { accept: 'application/json' };
  if (body !== undefined) headers['content-type'] = 'application/json';
  const init: RequestInit = { method, headers, credentials: 'same-origin', cache: 'no-store' };
  if (signal) init.signal = signal;
  if (body !== undefined) init.body = JSON.stringify(body);
  try {
    return await fetch(apiUrl(path), init);
  } catch (thrown) {
    if (signal?.aborted) throw thrown;
    throw new ProblemError(unreachable);
  }
};

const read = async (response: Response): Promise<unknown> => {
  try {
    return await response.json();
  } catch {
    return null;
  }
};

/** Answers with what the server says; throws a ProblemError where that is a failure. */
export const getJson = async <T>(path: string, asked: Asked = {}): Promise<T> => {
  if (recorded) {
    const answer = recorded.answer(path);
    if (answer === undefined || answer === null) throw new ProblemError(notRecorded);
    return answer as T;
  }
  const response = await ask(path, asked);
  if (response.ok) return (response.status === 204 ? null : await read(response)) as T;
  if (response.status === 401 && path !== 'api/login') connection.value = { kind: 'login' };
  const body = await read(response);
  // A health report with status error comes as a 503, and is an answer all the same.
  if (response.status === 503 && path.startsWith('health/') && raw(body).code === undefined) return body as T;
  throw new ProblemError(problemOf(response.status, body));
};

export interface Resource<T> {
  readonly data: T | null;
  readonly error: Problem | null;
  readonly loading: boolean;
  reload(): void;
}

interface Held<T> {
  readonly path: string | null;
  readonly data: T | null;
  readonly error: Problem | null;
  readonly loading: boolean;
}

/** Shortest time between two fetches of one place, ms. */
const PAUSE_MS = 1000;

/**
 * What the API says at a path, asked again when `refresh` changes, at most once a second. What was known stays while it
 * is asked again, and goes when the path changes.
 */
export const useResource = <T>(path: string | null, refresh?: unknown): Resource<T> => {
  const [held, hold] = useState<Held<T>>({ path: null, data: null, error: null, loading: path !== null });
  const [wish, setWish] = useState(0);
  const again = useRef<(() => void) | undefined>(undefined);
  useEffect(() => {
    if (path === null) return hold({ path, data: null, error: null, loading: false });
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let [isAsking, isWanted, askedAt] = [false, false, Number.NEGATIVE_INFINITY];
    const ask = (): void => {
      isWanted = false;
      isAsking = true;
      askedAt = Date.now();
      getJson<T>(path, { signal: stop.signal })
        .then(
          (data) => stop.signal.aborted || hold({ path, data, error: null, loading: false }),
          (thrown) =>
            stop.signal.aborted ||
            hold((before) => ({ ...before, error: asProblem(thrown), loading: false })),
        )
        .finally(() => {
          isAsking = false;
          if (isWanted) want();
        });
    };
    // What is asked is heard out: where more is wanted all the time, nothing would ever arrive.
    const want = (): void => {
      isWanted = true;
      clearTimeout(timer);
      if (!isAsking && !stop.signal.aborted)
        timer = setTimeout(ask, Math.max(0, askedAt + PAUSE_MS - Date.now()));
    };
    again.current = () => {
      hold((before) => ({ ...before, loading: true }));
      want();
    };
    hold({ path, data: null, error: null, loading: true });
    want();
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [path]);
  const first = useRef({ path, refresh, wish });
  useEffect(() => {
    const before = first.current;
    first.current = { path, refresh, wish };
    if (before.path === path && (before.refresh !== refresh || before.wish !== wish)) again.current?.();
  }, [path, refresh, wish]);
  const current = held.path === path ? held : { data: null, error: null, loading: path !== null };
  return { ...current, reload: () => setWish((count) => count + 1) };
};
