import { connect, createServer, type Server, type Socket } from 'node:net';
import { MAX_ANSWER } from './wire.ts';

/** Only whoever wants an answer says something; who just looks whether somebody is there does not. */
const ASK = '?';
/** How long one who asked may take to read. */
const READ_MS = 10_000;

/** How a member was found. `gone`: nobody listens, and nobody ever will again. */
export type Found =
  | { readonly kind: 'answer'; readonly bytes: Buffer }
  | { readonly kind: 'gone' | 'failed' };

/** Answers everyone who asks at a socket, from this moment on unless it turns out otherwise. Does not keep Node alive. */
export const answerAt = (
  path: string,
  answer: () => Promise<Uint8Array>,
  onError: (error: NodeJS.ErrnoException) => void,
): Server => {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.setTimeout(READ_MS, () => socket.destroy());
    socket.unref();
    socket.once('data', () => {
      answer().then(
        (bytes) => socket.end(bytes),
        () => socket.destroy(),
      );
    });
  });
  server.on('error', onError);
  server.unref();
  // In a worker of node:cluster the primary would listen, and go on when the worker has died.
  server.listen({ path, exclusive: true });
  return server;
};

const GONE = new Set(['ECONNREFUSED', 'ENOENT']);

/** Asks a member. Never rejects. */
export const ask = async (path: string, timeoutMs: number): Promise<Found> => {
  const found = await once(path, timeoutMs);
  // It may just be ending: then nobody listens any more.
  return 'early' in found && found.early ? once(path, timeoutMs) : found;
};

/** Whether somebody listens, even if it does not answer. */
export const isThere = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ path });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(!GONE.has(error.code ?? '')));
  });

type Once = Exclude<Found, { kind: 'failed' }> | { readonly kind: 'failed'; readonly early: boolean };

const once = (path: string, timeoutMs: number): Promise<Once> =>
  new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const socket: Socket = connect({ path });
    const over = (found: Once) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(found);
    };
    const timer = setTimeout(() => over({ kind: 'failed', early: false }), timeoutMs);
    socket.once('connect', () => socket.write(ASK));
    socket.on('data', (chunk) => {
      chunks.push(chunk);
      size += chunk.length;
      if (size > MAX_ANSWER) over({ kind: 'failed', early: false });
    });
    socket.on('error', ({ code }: NodeJS.ErrnoException) =>
      over(GONE.has(code ?? '') ? { kind: 'gone' } : { kind: 'failed', early: size === 0 }),
    );
    socket.once('end', () =>
      over(size === 0 ? { kind: 'failed', early: true } : { kind: 'answer', bytes: Buffer.concat(chunks) }),
    );
    socket.once('close', () => over({ kind: 'failed', early: true }));
  });
