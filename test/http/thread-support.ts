import { get, type IncomingMessage } from 'node:http';
import type { ResolvedOptions } from '../../src/config/index.ts';
import { type FetchLike, listenOps, type OpsParts, type OpsServer } from '../../src/http/index.ts';
import { Front } from '../../src/http/thread/front.ts';
import { cleanup, healthOf, metricsOf, opsOptions } from './support.ts';

/** An ops server whose listener is in a thread, until the test is over. */
export const serveThreaded = async (
  ops: Partial<ResolvedOptions['ops']> = {},
  parts: Partial<OpsParts> = {},
  warn: (message: string) => void = (message) => {
    throw new Error(message);
  },
): Promise<OpsServer & { readonly url: string }> => {
  const server = await listenOps({
    parts: { metrics: metricsOf(), health: healthOf(), ...parts },
    options: { ...opsOptions({ port: 0, ...ops }) },
    ref: false,
    warn,
  });
  cleanup(() => server.close({ graceMs: 0 }));
  return Object.assign(server, { url: server.urls.ops as string });
};

/** Any handler behind a listener in a thread. */
export const serveBehind = async (handler: FetchLike) => {
  const bugs: unknown[] = [];
  const front = new Front({
    handlers: { ops: handler },
    thread: {
      probePaths: [],
      ops: opsOptions({}),
    },
    ref: false,
    reportBug: (error) => bugs.push(error),
    onLost: (why) => {
      throw new Error(why);
    },
  });
  cleanup(() => front.close(0));
  const addresses = await front.listen([{ site: 'ops', host: '127.0.0.1', port: 0 }]);
  const { url, host, port } = addresses.ops as NonNullable<typeof addresses.ops>;
  return { url, host, port, bugs, front, close: (graceMs: number) => front.close(graceMs) };
};

/** The beginning of an answer; its body is left to the caller. */
export const begin = (url: string, headers: Record<string, string> = {}): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const request = get(url, { agent: false, headers }, (response) => {
      response.on('error', () => {});
      cleanup(() => response.destroy());
      resolve(response);
    });
    request.on('error', reject);
  });

/** Asks again until the answer is as wanted, however long that takes. */
export const eventually = async (condition: () => Promise<boolean>, what: string): Promise<void> => {
  const end = performance.now() + 20_000;
  while (!(await condition())) if (performance.now() > end) throw new Error(`never came true: ${what}`);
};
