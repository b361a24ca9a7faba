import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach } from 'vitest';
import { type ResolvedOptions, resolveOptions } from '../../src/config/index.ts';
import type { CallOptions, CallResult, CallStream, ControlPort, Timings } from '../../src/core/port.ts';
import { SnakepitError } from '../../src/errors/index.ts';
import type { HealthReader, HealthReport, MetricsReader } from '../../src/http/index.ts';
import {
  createGatewayApp,
  createOpsApp,
  type FetchLike,
  type HttpServer,
  type ListenOptions,
  listen,
  listenerAccess,
  type OpsParts,
} from '../../src/http/index.ts';

export const TOKEN = 'a-token-for-tests-only';

const cleanups: (() => unknown)[] = [];
/** Runs after the test, last registered first. */
export const cleanup = (fn: () => unknown) => cleanups.push(fn);
afterEach(async () => {
  for (const fn of cleanups.splice(0).reverse()) await fn();
});

/** Waits for a condition without guessing how long it takes. */
export const until = async (condition: () => unknown, what: string): Promise<void> => {
  const end = performance.now() + 20_000;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`never came true: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: bodies are looked into by path
  readonly json: any;
}

interface Ask {
  readonly method?: string;
  readonly headers?: Record<string, string | string[]>;
  readonly body?: string | Uint8Array;
}

/** A request over a socket of its own, with the very headers given, which fetch would not let through. */
export const ask = (url: string, { method = 'GET', headers = {}, body }: Ask = {}): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const req = httpRequest(url, { method, headers, agent: false }, (res) => {
      const chunks: Buffer[] = [];
      res.on('data', (chunk: Buffer) => chunks.push(chunk));
      res.on('error', reject);
      res.on('end', () => {
        const all = Buffer.concat(chunks);
        resolve({
          status: res.statusCode ?? 0,
          headers: res.headers,
          body: all,
          text: all.toString(),
          get json() {
            return JSON.parse(all.toString());
          },
        });
      });
    });
    req.on('error', reject);
    req.end(body);
  });

/** A bare connection, for what no HTTP client would send or do. */
export const dial = async ({ port }: HttpServer): Promise<Socket & { received(): string }> => {
  const socket = connect({ port, host: '127.0.0.1' });
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
  });
  socket.on('error', () => {});
  await new Promise((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  cleanup(() => socket.destroy());
  return Object.assign(socket, { received: () => text });
};

/** Listens on a free port until the test is over. */
export const serve = async (target: FetchLike, options: Partial<ListenOptions> = {}): Promise<HttpServer> => {
  const server = await listen(target, { section: 'ops', host: '127.0.0.1', port: 0, ...options });
  cleanup(() => server.close({ graceMs: 0 }));
  return server;
};

const pools = { default: { app: './app.py', maxTimeoutMs: 5000 } };
export const opsOptions = (ops: Partial<ResolvedOptions['ops']> = {}) => resolveOptions({ pools, ops }).ops;
export const gatewayOptions = (gateway: Partial<ResolvedOptions['gateway']> = {}) =>
  resolveOptions({ pools, gateway }).gateway;

export const good: HealthReport = {
  status: 'ok',
  checks: [{ name: 'core', status: 'ok', message: 'Answering, up 3 s' }],
};
export const bad: HealthReport = {
  status: 'error',
  checks: [
    { name: 'core', status: 'ok', message: 'Answering, up 3 s' },
    { name: 'error_rate', status: 'warning', message: '7 % of requests failed' },
    {
      name: 'pool:default',
      status: 'error',
      message: '0 of 2 workers ready',
      why: 'both crashed',
      remedy: 'See the errors.',
    },
  ],
  load: { default: { queue_size: 3 } },
};

/** A health reader that says what it is told. */
export const healthOf = (change: Partial<HealthReader> = {}): HealthReader => ({
  checkHealth: () => good,
  checkReadiness: () => good,
  startup: () => ({ ...good, started: true, workers: [] }),
  getDetailedHealth: () => ({ ...good, pools: { default: { total_workers: 2 } } }) as HealthReport,
  workers: () => [{ worker_slot: 0, state: 'ready' }],
  python: () => ({ default: { path: '/usr/bin/python3', reason: 'python3 on PATH', version: '3.11.2' } }),
  ...change,
});

export const EXPOSITION = '# TYPE snakepit_ready gauge\nsnakepit_ready 1\n';
export const metricsOf = (
  body: string | Uint8Array = EXPOSITION,
): MetricsReader & { accepts: (string | undefined)[] } => {
  const accepts: (string | undefined)[] = [];
  return {
    accepts,
    render: async (accept) => {
      accepts.push(accept);
      return { contentType: 'text/plain; version=0.0.4; charset=utf-8', body };
    },
  };
};

/** An ops server on loopback. */
export const serveOps = async (
  ops: Partial<ResolvedOptions['ops']> = {},
  parts: Partial<OpsParts> = {},
): Promise<HttpServer> => {
  const options = opsOptions(ops);
  const app = createOpsApp({
    metrics: metricsOf(),
    health: healthOf(),
    options,
    access: listenerAccess('ops', options),
    ...parts,
  });
  return serve(app, { host: options.host });
};

export const TIMINGS: Timings = {
  queueMs: 0.25,
  pythonMs: 1.5,
  pythonCpuMs: 1.25,
  totalMs: 2.123456,
  serialiseMs: 0.1,
  transportMs: 0.2,
  bytesIn: 10,
  bytesOut: 20,
  peakRssBytes: undefined,
};

/** One call that reached the port. */
export interface Seen {
  readonly command: string;
  readonly args: Record<string, unknown>;
  readonly options: CallOptions;
}

const nothingThere = (code: 'no_workers' | 'unknown_pool') => {
  throw new SnakepitError(code, 'There is none.');
};

/** The part of a control port that changes things, of an instance without pools. */
const noControl = {
  recycleWorker: async () => nothingThere('no_workers'),
  recyclePool: async () => nothingThere('unknown_pool'),
  stackOf: async () => nothingThere('no_workers'),
  unquarantine: () => nothingThere('unknown_pool'),
  drain: async () => true,
  resize: async () => nothingThere('unknown_pool'),
} satisfies Partial<ControlPort>;

/** A control port that answers as it is told and remembers what it was asked. */
export interface FakePort extends ControlPort {
  readonly seen: Seen[];
  result: (seen: Seen) => unknown;
  chunks: (seen: Seen) => AsyncIterator<unknown>;
}

export const fakePort = (change: Partial<FakePort> = {}): FakePort => {
  const seen: Seen[] = [];
  const note = (command: string, args: Record<string, unknown> = {}, options: CallOptions = {}): Seen => {
    const call = { command, args, options };
    seen.push(call);
    return call;
  };
  const port: FakePort = {
    seen,
    result: ({ args }) => args,
    chunks: async function* () {},
    async call<T>(command: string, args?: Record<string, unknown>, options?: CallOptions) {
      const call = note(command, args, options);
      const result = (await port.result(call)) as T;
      const ids = { requestId: `req_${seen.length}`, correlationId: options?.correlationId ?? 'none' };
      return { result, ...ids, timings: TIMINGS, attempts: 1 } satisfies CallResult<T>;
    },
    stream<T>(command: string, args?: Record<string, unknown>, options?: CallOptions) {
      const call = note(command, args, options);
      const iterator = port.chunks(call) as AsyncIterator<T>;
      const stream: CallStream<T> = {
        requestId: `req_${seen.length}`,
        correlationId: options?.correlationId ?? 'none',
        timings: TIMINGS,
        next: () => iterator.next(),
        return: (value) => iterator.return?.(value) ?? Promise.resolve({ done: true, value }),
        [Symbol.asyncIterator]: () => stream,
      };
      return stream;
    },
    snapshot: () => ({ timestamp: 0, uptime_ms: 0, sessions: null, pools: {} }),
    ...noControl,
    ...change,
  };
  return port;
};

/** A gateway on loopback. */
export const serveGateway = async (
  port: ControlPort,
  gateway: Partial<ResolvedOptions['gateway']> = {},
  parts: { commentEveryMs?: number; reportBug?: (error: unknown) => void } = {},
): Promise<HttpServer> => {
  const options = gatewayOptions(gateway);
  const app = createGatewayApp({ port, options, pools: resolveOptions({ pools }).pools, ...parts });
  return serve(app, { section: 'gateway', host: options.host });
};

/** Calls a command with JSON. */
export const post = (
  url: string,
  args: unknown = {},
  headers: Record<string, string> = {},
): Promise<Answer> =>
  ask(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(args),
  });
