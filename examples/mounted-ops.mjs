/**
 * Metrics and health inside a server of your own, without a framework and without a port of ours.
 *
 *   node examples/mounted-ops.mjs        (PORT=3000 by default, PORT=0 for a free one)
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createOpsHandler, createSnakepit, isSnakepitError } from 'snakepit';

const app = new URL('library/app.py', import.meta.url);
const pit = await createSnakepit({ pools: { default: { app, workers: 2 } } });
// This server listens on loopback only. Where strangers reach yours, give `token` instead of `access`.
const ops = createOpsHandler(pit, { prefix: '/ops', access: 'open' });

const search = async (url, res) => {
  try {
    const found = await pit.execute('search', { query: url.searchParams.get('q') ?? '' });
    res.setHeader('content-type', 'application/json').end(JSON.stringify(found));
  } catch (error) {
    if (!isSnakepitError(error)) throw error;
    res.writeHead(error.httpStatus, { 'content-type': 'text/plain' }).end(`${error.message}\n`);
  }
};

const server = createServer((req, res) => {
  const url = new URL(req.url ?? '/', 'http://localhost');
  if (url.pathname.startsWith('/ops/')) return ops.node(req, res);
  if (url.pathname === '/search') return search(url, res);
  res.writeHead(404).end();
});
server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1');
await once(server, 'listening');
const origin = `http://127.0.0.1:${server.address().port}`;
console.log(`${origin}/search?q=liberty\n${origin}/ops/metrics\n${origin}/ops/health/detailed`);

const stop = async () => {
  server.close();
  server.closeIdleConnections();
  await pit.close();
};
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, stop);
