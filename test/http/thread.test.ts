import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { Heart } from '../../src/http/thread/heart.ts';
import { Shared } from '../../src/http/thread/shared.ts';
import { threadFile } from '../../src/http/thread/thread-file.ts';
import { ask, bad, cleanup, dial, good, healthOf, serve, until } from './support.ts';
import { begin, eventually, serveBehind, serveThreaded } from './thread-support.ts';

describe('probes', () => {
  it('are kept, and made anew when health may have changed: none is answered from before', async () => {
    let report = good;
    const server = await serveThreaded({}, { health: healthOf({ checkReadiness: () => report }) });
    for (let i = 0; i < 20; i++) {
      report = i % 2 === 0 ? bad : good;
      server.changed();
      expect((await ask(`${server.url}/readyz`)).status).toBe(i % 2 === 0 ? 503 : 200);
    }
  });

  it('wait for the new answer where the main thread has not made it yet', async () => {
    let report = good;
    const server = await serveThreaded({}, { health: healthOf({ checkReadiness: () => report }) });
    const socket = await dial({ port: Number(new URL(server.url).port) } as Parameters<typeof dial>[0]);
    const question = 'GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n';
    // The second is answered from what is kept.
    for (const answers of [1, 2]) {
      socket.write(question);
      await until(() => socket.received().split('HTTP/1.1 200').length === answers + 1, 'the answer');
    }
    report = bad;
    server.changed();
    socket.write(question);
    // The thread has the question and all the time to answer it, and this thread does not run.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 150);
    await until(() => /HTTP\/1\.1 \d+/g.test(socket.received().split('\r\n\r\nok').at(-1) ?? ''), 'the last');
    expect(socket.received()).toMatch(/HTTP\/1\.1 503/);
  });

  it('cost the main thread nothing while they are kept', async () => {
    let asked = 0;
    const health = healthOf({
      checkHealth: () => {
        asked++;
        return good;
      },
    });
    const { url } = await serveThreaded({}, { health });
    const answers = await Promise.all(Array.from({ length: 300 }, () => ask(`${url}/livez`)));
    expect(answers.map(({ text }) => text)).toEqual(answers.map(() => 'ok'));
    expect(asked).toBeLessThan(100);
  });

  it('follow also what changes without a word', async () => {
    let report = good;
    const { url } = await serveThreaded({}, { health: healthOf({ checkReadiness: () => report }) });
    expect((await ask(`${url}/readyz`)).status).toBe(200);
    report = bad;
    await eventually(async () => (await ask(`${url}/readyz`)).status === 503, 'not ready');
  });

  it('in more ways than are kept are answered all the same', async () => {
    const { url } = await serveThreaded();
    for (let i = 0; i < 200; i++) {
      const { status } = await ask(`${url}/livez`, { headers: { host: `10.0.0.${i}` } });
      expect(status).toBe(200);
    }
  });

  it('that fail to be made are reported as anything else is', async () => {
    const health = healthOf({
      checkReadiness: () => {
        throw new Error('secret insides');
      },
    });
    const { url } = await serveThreaded({}, { health });
    const { status, text } = await ask(`${url}/readyz`);
    expect(status).toBe(500);
    expect(text).not.toContain('insides');
  });
});

describe('livenessPort', () => {
  it('answers probes alone, without details, and needs no token anywhere', async () => {
    const server = await serveThreaded(
      { port: undefined, livenessPort: 0, host: '0.0.0.0' },
      { health: healthOf({ checkReadiness: () => bad }) },
    );
    const url = server.urls.probes as string;
    expect(server.urls.ops).toBeUndefined();
    expect((await ask(`${url}/livez`)).text).toBe('ok');
    expect((await ask(`${url}/readyz`)).text).toBe('readyz check failed\n');
    expect((await ask(`${url}/health/ready`)).json).toEqual({ status: 'error' });
    for (const path of ['/metrics', '/health/detailed', '/api/state', '/']) {
      const { status, json } = await ask(url + path);
      expect(status, path).toBe(404);
      expect(json.endpoints, path).toContain('/livez');
    }
  });

  it('can stand beside the ops server', async () => {
    const { urls, url } = await serveThreaded({ livenessPort: 0 });
    expect((await ask(`${urls.probes}/health/live`)).status).toBe(200);
    expect((await ask(`${url}/metrics`)).status).toBe(200);
  });
});

describe('what is passed on', () => {
  it('bodies of many megabytes, both ways', async () => {
    const { url } = await serveBehind((request) => new Response(request.body));
    const body = Buffer.alloc(8 * 2 ** 20, 'snakepit ');
    const answer = await ask(url, { method: 'PUT', body });
    expect(answer.body.equals(body)).toBe(true);
  });

  it('methods, paths, headers, status, cookies', async () => {
    const { url } = await serveBehind(({ method, url: asked, headers }) => {
      const seen = {
        method,
        path: new URL(asked).pathname,
        x: headers.get('x-one'),
        host: headers.get('host'),
      };
      const answer = new Response(JSON.stringify(seen), { status: 418 });
      for (const cookie of ['a=1', 'b=2']) answer.headers.append('set-cookie', cookie);
      return answer;
    });
    const { status, json, headers } = await ask(`${url}/p%20q`, {
      method: 'TRACE',
      headers: { 'x-one': ['1', '2'], host: 'name.example' },
    });
    expect({ status, json }).toEqual({
      status: 418,
      json: { method: 'TRACE', path: '/p%20q', x: '1, 2', host: 'name.example' },
    });
    expect(headers['set-cookie']).toEqual(['a=1', 'b=2']);
  });

  it('events, each as it comes, until the client goes', async () => {
    let push!: (text: string) => void;
    let cancelled = false;
    let aborted = false;
    const { url } = await serveBehind((request) => {
      request.signal.addEventListener('abort', () => {
        aborted = true;
      });
      const body = new ReadableStream<Uint8Array>({
        start: (controller) => {
          push = (text) => controller.enqueue(Buffer.from(text));
        },
        cancel: () => {
          cancelled = true;
        },
      });
      return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
    });
    const response = await begin(url);
    let text = '';
    response.on('data', (chunk) => {
      text += chunk;
    });
    for (let i = 0; i < 50; i++) {
      push(`data: ${i}\n\n`);
      await until(() => text.endsWith(`data: ${i}\n\n`), `event ${i}`);
    }
    expect(cancelled || aborted).toBe(false);
    response.destroy();
    await until(() => cancelled && aborted, 'the end of the stream');
  });

  it('only as fast as the client reads', async () => {
    const size = 64 * 1024;
    let made = 0;
    let cancelled = false;
    const { url } = await serveBehind((request) => {
      if (new URL(request.url).pathname === '/other') return new Response('quick');
      const body = new ReadableStream<Uint8Array>(
        {
          pull: (controller) => {
            made++;
            controller.enqueue(new Uint8Array(size));
          },
          cancel: () => {
            cancelled = true;
          },
        },
        { highWaterMark: 0 },
      );
      return new Response(body);
    });
    const response = await begin(url);
    // What the kernel's buffers take, and then no more, however often we look.
    let before = -1;
    await eventually(async () => {
      const still = made === before;
      before = made;
      for (let i = 0; i < 20; i++) expect((await ask(`${url}/other`)).text).toBe('quick');
      return still && made === before;
    }, 'a standstill');
    const stoodAt = made;
    let read = 0;
    response.on('data', (chunk) => {
      read += chunk.length;
    });
    await until(() => read > (stoodAt + 20) * size, 'what came after');
    expect(cancelled).toBe(false);
    response.destroy();
    await until(() => cancelled, 'the end');
  });

  it('a client that goes before the answer is told to the handler', async () => {
    let signal: AbortSignal | undefined;
    const { port, url } = await serveBehind((request) => {
      if (new URL(request.url).pathname !== '/slow') return new Response('quick');
      signal = request.signal;
      return new Promise<Response>(() => {});
    });
    const socket = await dial({ port } as Parameters<typeof dial>[0]);
    socket.write('GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await until(() => signal !== undefined, 'the request');
    socket.destroy();
    await until(() => signal?.aborted, 'the abort');
    expect((await ask(url)).text).toBe('quick');
  });

  it('an answer that comes after its client has gone is let go', async () => {
    let answer!: (response: Response) => void;
    let signal: AbortSignal | undefined;
    let cancelled = false;
    const { port } = await serveBehind((request) => {
      signal = request.signal;
      return new Promise<Response>((resolve) => {
        answer = resolve;
      });
    });
    const socket = await dial({ port } as Parameters<typeof dial>[0]);
    socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await until(() => signal !== undefined, 'the request');
    socket.destroy();
    await until(() => signal?.aborted, 'the abort');
    const cancel = () => {
      cancelled = true;
    };
    answer(new Response(new ReadableStream({ cancel })));
    await until(() => cancelled, 'the end of the stream');
  });

  it('an answer that breaks off breaks off at the client', async () => {
    const { url } = await serveBehind(() => {
      let parts = 0;
      const body = new ReadableStream<Uint8Array>({
        pull: (controller) => {
          if (parts++ > 3) controller.error(new Error('broken'));
          else controller.enqueue(Buffer.from('part'));
        },
      });
      return new Response(body, { headers: { 'content-length': '1000' } });
    });
    await expect(ask(url)).rejects.toThrow(/aborted|hang up|ECONNRESET/);
    await expect(ask(url)).rejects.toThrow(/aborted|hang up|ECONNRESET/);
  });

  it('a handler that throws answers 500 and is reported', async () => {
    const { url, bugs } = await serveBehind(() => {
      throw new Error('secret insides');
    });
    const { status, text, json } = await ask(url);
    expect({ status, code: json.code }).toEqual({ status: 500, code: 'internal_error' });
    expect(text).not.toContain('insides');
    expect(bugs).toHaveLength(1);
  });

  it('a body that nobody reads does not hold up the answer', async () => {
    const { url } = await serveBehind(() => new Response('no', { status: 403 }));
    const answer = await ask(url, { method: 'POST', body: Buffer.alloc(2 ** 20) });
    expect(answer.status).toBe(403);
  });
});

describe('closing', () => {
  it('waits for running requests, takes no more, and cuts off what outlasts the grace', async () => {
    const waiting: ((response: Response) => void)[] = [];
    const { url, close } = await serveBehind(() => new Promise((resolve) => waiting.push(resolve)));
    const [answered, cut] = [ask(`${url}/1`), ask(`${url}/2`)];
    cut.catch(() => {});
    await until(() => waiting.length === 2, 'the requests');
    const closing = close(60_000);
    await eventually(
      () =>
        ask(url).then(
          () => false,
          () => true,
        ),
      'that no more is taken',
    );
    waiting[0]?.(new Response('at last'));
    waiting.splice(0);
    expect((await answered).text).toBe('at last');
    // A second, shorter close hurries the first.
    await Promise.all([close(0), closing]);
    await expect(cut).rejects.toThrow(/hang up|ECONNRESET/);
  });

  it('ends the thread', async () => {
    const workers = watchWorkers();
    const server = await serveThreaded();
    const exited = once(workers[0] as Worker, 'exit');
    const silent = await dial({ port: Number(new URL(server.url).port) } as Parameters<typeof dial>[0]);
    await server.close({ graceMs: 60_000 });
    await exited;
    await until(() => silent.closed, 'the end of the idle connection');
    await expect(ask(server.url)).rejects.toThrow('ECONNREFUSED');
    await server.close();
  });
});

/** The threads that are started from now on. */
const watchWorkers = (): Worker[] => {
  const workers: Worker[] = [];
  const add = (worker: Worker) => workers.push(worker);
  process.on('worker', add);
  cleanup(() => process.off('worker', add));
  return workers;
};

describe('a start that fails', () => {
  it.each(['port', 'livenessPort'] as const)(
    'names %s when it is taken, and leaves no thread',
    async (key) => {
      const { port } = await serve(() => new Response());
      const workers = watchWorkers();
      const exits: Promise<unknown>[] = [];
      const add = (worker: Worker) => exits.push(once(worker, 'exit'));
      process.on('worker', add);
      cleanup(() => process.off('worker', add));
      const fault = await serveThreaded({ [key]: port }).catch((error: unknown) => error);
      expect(fault).toMatchObject({
        code: 'invalid_configuration',
        message: expect.stringContaining(
          `ops.${key}: got ${port}, but another program already listens there`,
        ),
        cause: { code: 'EADDRINUSE' },
      });
      await Promise.all(exits);
      expect(workers).toHaveLength(1);
    },
  );

  it('names a host that is not here', async () => {
    await expect(serveThreaded({ host: '192.0.2.1', insecure: true })).rejects.toMatchObject({
      message: expect.stringMatching(
        /^ops\.host: got '192\.0\.2\.1', which is not an address of this machine/,
      ),
    });
  });
});

it('without its thread the server goes on in the main thread, at the same port, and says so', async () => {
  const workers = watchWorkers();
  const warnings: string[] = [];
  const server = await serveThreaded({}, {}, (message) => warnings.push(message));
  expect((await ask(`${server.url}/livez`)).text).toBe('ok');
  await workers[0]?.terminate();
  await eventually(
    () =>
      ask(`${server.url}/livez`).then(
        ({ status }) => status === 200,
        () => false,
      ),
    'the answer',
  );
  expect(server.where).toBe('process');
  expect(warnings).toEqual([expect.stringContaining('The thread of the ops server has ended')]);
  expect((await ask(`${server.url}/metrics`)).status).toBe(200);
});

describe('the file of the thread', () => {
  it('is the compiled one, also from the sources', () => {
    expect(threadFile().pathname).toMatch(/\/dist\/http\/thread\/entry\.js$/);
  });

  it.each([
    ['file:///nowhere/bundle.js', /bundler/],
    ['file:///nowhere/src/http/thread/thread-file.ts', /npm run build/],
  ])('is missed in words: %s', (here, message) => {
    expect(() => threadFile(here)).toThrow(message);
  });
});

describe('the heart', () => {
  const beating = () => {
    const shared = new Shared();
    let now = 1000;
    const heart = new Heart(shared, () => now);
    const pass = (ms: number) => {
      now += ms;
      heart.tick();
    };
    return { shared, heart, pass };
  };

  it('is silent for as long as nothing beats', () => {
    const { shared, heart, pass } = beating();
    for (let i = 0; i < 10; i++) pass(100);
    expect(heart.silentMs).toBe(1000);
    shared.beat();
    pass(100);
    expect(heart.silentMs).toBe(0);
  });

  it('does not count the time in which nobody ran: a stopped process is not stuck when it is woken', () => {
    const { shared, heart, pass } = beating();
    shared.beat();
    pass(100);
    pass(3_600_000);
    expect(heart.silentMs).toBeLessThanOrEqual(200);
    shared.beat();
    pass(100);
    expect(heart.silentMs).toBe(0);
  });
});
