import { createServer } from 'node:net';
import { type Finding, fail, ok } from './finding.ts';

/** Whether a server may listen there: tried by doing it for a moment. */
export const checkPort = async (what: 'gateway' | 'ops', host: string, port: number): Promise<Finding> => {
  const check = `port (${what})`;
  if (port === 0) return ok(check, 'a free one will be taken');
  const flag = what === 'ops' ? '--ops-port' : '--port';
  const error = await tryListen(host, port);
  if (error === undefined) return ok(check, `${host}:${port} is free`);
  const remedies: Record<string, string> = {
    EADDRINUSE: `End the program that listens there (\`ss -ltnp 'sport = :${port}'\`, or \`lsof -i :${port}\`), or choose another with ${flag}; 0 takes a free one.`,
    EACCES: `Choose a port from 1024 on with ${flag}.`,
    EADDRNOTAVAIL: `This machine has no such address: choose one with ${what === 'ops' ? '--ops-host' : '--host'}, e.g. 127.0.0.1.`,
  };
  const why =
    error.code === 'EADDRINUSE' ? 'is in use by another program' : `cannot be used: ${error.message}`;
  return fail(
    check,
    `${host}:${port} ${why}`,
    remedies[error.code ?? ''] ?? `Choose another address with ${flag}.`,
  );
};

const tryListen = (host: string, port: number): Promise<NodeJS.ErrnoException | undefined> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', resolve);
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
