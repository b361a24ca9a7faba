/**
 * What the listener's thread runs. It is kept small: no core, no consumers, and what answers in the main thread's place is loaded when
 * it is first needed.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { toNodeHandler } from '../node-handler.ts';
import { type HttpServer, listen } from '../server/listen.ts';
import { Forwarder } from './forwarder.ts';
import { GrpcSite } from './grpc-site.ts';
import { Heart } from './heart.ts';
import type { Address, Bind, Listening, Site, ToMain, ToThread } from './messages.ts';
import { ProbeDesk } from './probe-desk.ts';
import { BEAT_MS, Shared } from './shared.ts';
import type { probesWithout, ThreadOps } from './silence.ts';

/** What the thread is started with. */
export interface ThreadInit {
  readonly memory: SharedArrayBuffer;
  /** The probe paths, with the prefix; none where health is off. */
  readonly probePaths: readonly string[];
  readonly ops: ThreadOps;
}

// The HTTP adapter prints what befell its clients. What an operator should know is told to the main thread, which has a log.
console.info = console.error = () => {};

const init = workerData as ThreadInit;
const port = parentPort as NonNullable<typeof parentPort>;
const post = (message: ToMain, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);
const shared = new Shared(init.memory);
const heart = new Heart(shared);
const paths = new Set(init.probePaths);
const servers: Pick<HttpServer, 'close'>[] = [];

let answers: ReturnType<typeof probesWithout> | undefined;
const instead = async (site: Site, request: Request, isProbe: boolean): Promise<Response> => {
  const silence = await import('./silence.ts');
  if (!isProbe) return silence.unresponsive(heart.silentMs);
  answers ??= silence.probesWithout(heart, init.ops);
  return answers(site, request);
};

const { stuckAfterMs } = init.ops;
const forwarder = new Forwarder({ post, heart, paths, stuckAfterMs, instead });
const handlers = {
  ops: toNodeHandler((request: Request) => forwarder.fetch('ops', request)),
  probes: toNodeHandler((request: Request) => forwarder.fetch('probes', request)),
};
const desk = new ProbeDesk({ paths, shared, heart, post, next: (site) => handlers[site] });

const grpc = new GrpcSite({ shared, heart, stuckAfterMs });

const tick = () => {
  heart.tick();
  desk.tick();
  forwarder.tick();
  grpc.tick();
};

const serve = (bind: Bind): Promise<HttpServer> => {
  const { site, host, port: wanted } = bind;
  if (site === 'grpc') return grpc.listen(bind);
  return listen((request) => forwarder.fetch(site, request), {
    section: 'ops',
    host,
    port: wanted,
    before: (req, res) => desk.take(site, req, res),
  });
};

const start = async (binds: readonly Bind[]): Promise<void> => {
  const addresses: Partial<Record<Listening, Address>> = {};
  for (const bind of binds) {
    try {
      const server = await serve(bind);
      servers.push(server);
      const { url, host, port: bound } = server;
      addresses[bind.site] = { url, host, port: bound };
    } catch (error) {
      // The other thread words it: an error of ours would arrive as a plain one.
      const cause = ((error as Error).cause ?? error) as NodeJS.ErrnoException;
      post({ kind: 'failed', site: bind.site, code: cause.code, message: cause.message });
      return;
    }
  }
  post({ kind: 'listening', addresses });
};

const close = async (graceMs: number): Promise<void> => {
  await Promise.all(servers.map((server) => server.close({ graceMs })));
  post({ kind: 'closed' });
};

port.on('message', (message: ToThread) => {
  if (message.kind === 'listen') void start(message.binds);
  else if (message.kind === 'close') void close(message.graceMs);
  else if (message.kind === 'probed') desk.receive(message);
  else if (message.kind === 'forget') desk.forget(message.key);
  else if (message.kind === 'serving') grpc.receive(message);
  else if (message.kind === 'frame' || message.kind === 'farewell') forwarder.tell(message);
  else forwarder.receive(message);
});

setInterval(tick, BEAT_MS);
