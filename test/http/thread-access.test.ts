import { describe, expect, it } from 'vitest';
import type { ResolvedOptions } from '../../src/config/index.ts';
import { type Answer, ask, bad, dial, healthOf, serveOps, TOKEN, until } from './support.ts';
import { serveThreaded } from './thread-support.ts';

/** What is not the same in two answers to the same question. */
const changing = new Set(['date']);
const shown = ({ status, headers, text }: Answer) => ({
  status,
  headers: Object.entries(headers).filter(([name]) => !changing.has(name)),
  text,
});

const probes = ['/health', '/health/live', '/livez', '/health/ready', '/readyz', '/health/startup'];
const paths = [
  ...probes,
  '/readyz?verbose',
  '/readyz?verbose&exclude=error_rate',
  '/health/ready?exclude=pool:default',
  '/livez?verbose=%00',
  '/livez/',
  '//livez',
  '/health/detailed',
  '/metrics',
  '/nothing',
];
const callers: Record<string, Record<string, string>> = {
  plain: {},
  'any type': { accept: '*/*' },
  JSON: { accept: 'application/json' },
  'health JSON': { accept: 'application/health+json' },
  'with the token': { authorization: `Bearer ${TOKEN}` },
  'with a wrong token': { authorization: 'Bearer wrong-but-long-enough' },
  'through a proxy': { 'x-forwarded-for': '192.0.2.7' },
  'through a proxy that says so': { forwarded: 'for=192.0.2.7' },
  'by an address': { host: '10.1.2.3:9464' },
  'by a strange name': { host: 'evil.example' },
  'by a name in capitals': { host: 'LocalHost' },
  'by an address in another spelling': { host: '127.1' },
  'by what is no host': { host: 'a b' },
  'with a port that is none': { host: 'localhost:99999' },
  'with a cookie': { cookie: 'snakepit=abc' },
};
const settings: Record<string, Partial<ResolvedOptions['ops']>> = {
  'on loopback': {},
  'with a token': { token: TOKEN },
  'beyond loopback': { host: '0.0.0.0', token: TOKEN, open: ['/livez', '/metrics'] },
  'open to all': { host: '0.0.0.0', insecure: true, allowedHosts: ['evil.example'], prefix: '/ops' },
};
const reports = {
  good: healthOf(),
  bad: healthOf({
    checkHealth: () => bad,
    checkReadiness: () => bad,
    startup: () => ({ ...bad, started: false, workers: [{ phase: 'import' }] }),
  }),
};

describe.each(Object.entries(settings))('%s', (_, ops) => {
  describe.each(Object.entries(reports))('and health is %s', (_, health) => {
    it('whoever asks gets byte for byte what the main thread says, also from what is kept', async () => {
      const { prefix = '' } = ops;
      const direct = await serveOps(ops, { health });
      const threaded = await serveThreaded(ops, { health });
      expect(threaded.where).toBe('thread');
      for (const path of paths) {
        for (const [name, headers] of Object.entries(callers)) {
          for (const method of ['GET', 'HEAD']) {
            // The name asked for by default has the port in it, which differs.
            const question = { method, headers: { host: 'localhost:9464', ...headers } };
            const expected = shown(await ask(direct.url + prefix + path, question));
            for (const time of ['first', 'second']) {
              const got = shown(await ask(threaded.url + prefix + path, question));
              expect(got, `${method} ${path} ${name}, ${time} time`).toEqual(expected);
            }
          }
        }
      }
    });
  });
});

it.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE'])('%s is refused alike', async (method) => {
  const direct = await serveOps();
  const threaded = await serveThreaded();
  for (const path of ['/livez', '/metrics', '/nothing']) {
    const headers = { host: 'localhost' };
    const expected = shown(await ask(direct.url + path, { method, headers }));
    expect(shown(await ask(threaded.url + path, { method, headers }))).toEqual(expected);
  }
});

it('a probe of HTTP/1.0 without a Host is answered', async () => {
  const { url } = await serveThreaded();
  const socket = await dial({ port: Number(new URL(url).port) } as Parameters<typeof dial>[0]);
  socket.write('GET /livez HTTP/1.0\r\n\r\n');
  await until(() => socket.closed, 'the answer');
  expect(socket.received()).toMatch(/^HTTP\/1\.1 200 OK\r\n.*\r\n\r\nok$/s);
});

it('beyond loopback without a token it does not listen', async () => {
  await expect(serveThreaded({ host: '0.0.0.0' })).rejects.toMatchObject({ code: 'invalid_configuration' });
});

it('what health does not serve is not there', async () => {
  const { url } = await serveThreaded({}, { health: null });
  for (const path of probes) expect((await ask(url + path)).status, path).toBe(404);
});
