import { once } from 'node:events';
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { type FetchLike, listen } from '../../src/http/index.ts';
import { bindFault } from '../../src/http/server/bind-fault.ts';
import { ask, cleanup, dial, serve, until } from './support.ts';

const hello: FetchLike = () => new Response('hello');

/** A handler that answers when told to. */
const gate = () => {
  const waiting: ((response: Response) => void)[] = [];
  return {
    waiting,
    open: () => waiting.shift()?.(new Response('at last')),
    fetch: () => new Promise<Response>((resolve) => waiting.push(resolve)),
  };
};

describe('listening', () => {
  it('takes an app or a function and says where it is', async () => {
    const server = await serve({ fetch: hello });
    expect(server.host).toBe('127.0.0.1');
    expect(server.port).toBeGreaterThan(0);
    expect(server.url).toBe(`http://127.0.0.1:${server.port}`);
    expect((await ask(server.url)).text).toBe('hello');
  });

  it.each([
    ['::1', /^http:\/\/\[::1\]:\d+$/],
    ['::', /^http:\/\/\[::1\]:\d+$/],
    ['0.0.0.0', /^http:\/\/127\.0\.0\.1:\d+$/],
    ['localhost', /^http:\/\/localhost:\d+$/],
  ])('on %s', async (host, url) => {
    const server = await serve(hello, { host });
    expect(server.url).toMatch(url);
    expect((await ask(server.url)).status).toBe(200);
  });

  const faultOf = (options: { host?: string; port?: number; section?: 'ops' | 'gateway' }) =>
    listen(hello, { section: 'ops', host: '127.0.0.1', port: 0, ...options }).then(
      (server) => {
        cleanup(() => server.close());
        throw new Error('it listens');
      },
      (error) => error as Error & { code: string },
    );

  it('a port in use names the option, the value and what to do', async () => {
    const { port } = await serve(hello);
    const fault = await faultOf({ port, section: 'gateway' });
    expect(fault.code).toBe('invalid_configuration');
    expect(fault.message).toBe(
      `gateway.port: got ${port}, but another program already listens there on 127.0.0.1. ` +
        'Choose another port (0 picks a free one), or stop that program.',
    );
    expect(fault.cause).toMatchObject({ code: 'EADDRINUSE' });
  });

  it('a host that does not resolve, or is not of this machine, too', async () => {
    const unknown = await faultOf({ host: 'no-such-host.invalid' });
    expect(unknown.code).toBe('invalid_configuration');
    expect(unknown.message).toMatch(/^ops\.host: got 'no-such-host\.invalid', which does not resolve/);
    const foreign = await faultOf({ host: '192.0.2.1' });
    expect(foreign.code).toBe('invalid_configuration');
    expect(foreign.message).toMatch(
      /^ops\.host: got '192\.0\.2\.1', which is not an address of this machine/,
    );
  });

  it.each(['EACCES', 'EPERM'])('a port this user may not bind (%s), too', (code) => {
    // Whether such a port exists depends on user and kernel settings, so the refusal is made by hand.
    const cause = Object.assign(new Error('listen'), { code });
    const fault = bindFault(cause, { section: 'ops', host: '127.0.0.1', port: 80 });
    expect(fault).toMatchObject({ code: 'invalid_configuration', cause });
    expect(fault.message).toMatch(/^ops\.port: got 80, which this user may not bind.*from 1024 up/);
  });

  it('other errors stay what they are', () => {
    const cause = Object.assign(new Error('listen'), { code: 'EMFILE' });
    expect(bindFault(cause, { section: 'ops', host: '127.0.0.1', port: 80 })).toBe(cause);
  });
});

describe('closing', () => {
  it('takes no more connections and ends idle ones at once', async () => {
    const server = await serve(hello);
    const agent = new Agent({ keepAlive: true });
    cleanup(() => agent.destroy());
    const res = await new Promise<IncomingMessage>((resolve) => {
      httpRequest(server.url, { agent }, resolve).end();
    });
    res.resume();
    await once(res, 'end');
    // One that has answered, one that has not even asked.
    const silent = await dial(server);
    await server.close({ graceMs: 60_000 });
    await until(() => silent.closed, 'the end of the silent connection');
    await expect(ask(server.url)).rejects.toThrow('ECONNREFUSED');
  });

  it('waits for running requests and tells them that the connection ends', async () => {
    const { fetch, open, waiting } = gate();
    const server = await serve(fetch);
    const agent = new Agent({ keepAlive: true });
    cleanup(() => agent.destroy());
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      httpRequest(server.url, { agent }, resolve).on('error', reject).end();
    });
    await until(() => waiting.length === 1, 'the request');
    let closed = false;
    const closing = server.close({ graceMs: 60_000 }).then(() => {
      closed = true;
    });
    await expect(ask(server.url)).rejects.toThrow('ECONNREFUSED');
    expect(closed).toBe(false);
    open();
    const res = await answered;
    expect(res.headers.connection).toBe('close');
    res.resume();
    await closing;
    expect(res.statusCode).toBe(200);
  });

  it('cuts off what still runs after the grace; a second, shorter close hurries the first', async () => {
    const { fetch, waiting } = gate();
    const server = await serve(fetch);
    const request = ask(server.url);
    request.catch(() => {});
    await until(() => waiting.length === 1, 'the request');
    const patient = server.close({ graceMs: 2 ** 31 - 1 });
    await server.close({ graceMs: 1 });
    await patient;
    await expect(request).rejects.toThrow(/socket hang up|ECONNRESET/);
    await server.close();
  });

  it('answers all pipelined requests that have come', async () => {
    const { fetch, open, waiting } = gate();
    const server = await serve(fetch);
    const socket = await dial(server);
    const get = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n';
    socket.write(get + get);
    await until(() => waiting.length === 2, 'the requests');
    const closing = server.close({ graceMs: 60_000 });
    open();
    open();
    await closing;
    await until(() => socket.closed, 'the end of the connection');
    expect(socket.received().split('at last')).toHaveLength(3);
    expect(socket.received().match(/^connection: close/gim)).toHaveLength(1);
  });
});

describe('limits', () => {
  it('refuses headers beyond 16 KiB', async () => {
    const { url } = await serve(hello);
    const answer = await ask(url, { headers: { 'x-big': 'x'.repeat(17_000) } });
    expect(answer.status).toBe(431);
  });

  it.each([
    'GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'GET / HTTP/1.1\r\nHost : localhost\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: localhost\r\nX: a\0b\r\n\r\n',
    'GET / HTTP/1.1\r\n\r\n',
    '\x16\x03\x01\x02\x00',
  ])('refuses what is not HTTP: %j', async (text) => {
    const server = await serve(hello);
    const socket = await dial(server);
    socket.write(text);
    await until(() => socket.closed, 'the end');
    expect(socket.received()).toMatch(/^HTTP\/1.1 400 /);
    expect((await ask(server.url)).text).toBe('hello');
  });
});

describe('keeping Node alive', () => {
  /** Listeners and connections that do. */
  const holders = () =>
    process.getActiveResourcesInfo().filter((name) => /^TCP(Server|Socket)Wrap$/.test(name));

  it.each([true, false])('with ref: %s', async (ref) => {
    await until(() => holders().length === 0, 'the end of what earlier tests left closing');
    const server = await serve(hello, { ref });
    expect(holders().length).toBe(ref ? 1 : 0);
    const socket = await dial(server);
    socket.unref();
    socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await until(() => socket.received().includes('hello'), 'the answer');
    // Listener and accepted connection, or neither.
    expect(holders().length).toBe(ref ? 2 : 0);
  });
});

it('a port taken by another kind of server is in use as well', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  cleanup(() => other.close());
  const { port } = other.address() as { port: number };
  await expect(listen(hello, { section: 'ops', host: '127.0.0.1', port })).rejects.toMatchObject({
    code: 'invalid_configuration',
  });
});
