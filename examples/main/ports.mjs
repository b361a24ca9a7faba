import { createServer } from 'node:net';

const isFree = (port) =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1' }, () => server.close(() => resolve(true)));
  });

/** The port, or 0 (any free one) when another program has it, which is said. */
export const portOrFree = async (port, what) => {
  if (await isFree(port)) return port;
  console.log(`Port ${port} is in use, so the ${what} takes a free one.`);
  return 0;
};
