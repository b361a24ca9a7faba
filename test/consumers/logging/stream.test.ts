import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { openLog, parseLines } from './fixtures.ts';

describe("a stream of the user's", () => {
  it('gets the lines, and is not ended', async () => {
    let text = '';
    const stream = new Writable({
      write: (chunk, _, done) => {
        text += chunk;
        done();
      },
    });
    const log = openLog({ stream });
    log.logger.info('one');
    log.logger.info('two');
    await log.close();
    expect(parseLines(text).map((line) => line.message)).toEqual(['one', 'two']);
    expect([stream.writableEnded, stream.listenerCount('error')]).toEqual([false, 0]);
  });

  it('that is slow does not grow memory: what is too much is dropped and counted', async () => {
    const waiting: (() => void)[] = [];
    const stream = new Writable({
      highWaterMark: 1,
      write: (_chunk, _, done) => {
        waiting.push(done);
      },
    });
    const log = openLog({ stream });
    for (let i = 0; i < 3000; i++) log.logger.info('x'.repeat(10_000));
    expect(log.losses().overflow).toBeGreaterThan(2000);
    expect(stream.writableLength).toBeLessThan(9 * 2 ** 20);
    const closing = log.close();
    const drain = setInterval(() => {
      for (const done of waiting.splice(0)) done();
    }, 0);
    await closing;
    clearInterval(drain);
    expect(stream.writableLength).toBe(0);
  });

  it('may fail in every way', async () => {
    const failing = new Writable({ write: (_chunk, _, done) => done(new Error('no room')) });
    const throwing = Object.assign(new Writable(), {
      write: () => {
        throw new Error('never');
      },
    });
    const ended = new Writable({ write: (_chunk, _, done) => done() });
    ended.end();
    for (const stream of [failing, throwing as never, ended]) {
      const log = openLog({ stream });
      log.logger.info('lost');
      await new Promise(setImmediate);
      log.logger.info('lost');
      await new Promise(setImmediate);
      expect(log.losses()).toEqual({ overflow: 0, unwritable: 2, closed: 0, unserializable: 0 });
      await log.close();
    }
  });

  it('gets lines for people too', async () => {
    let text = '';
    const stream = new Writable({
      write: (chunk, _, done) => {
        text += chunk;
        done();
      },
    });
    const log = openLog({ stream, format: 'pretty' });
    log.logger.info('hello');
    await log.close();
    expect(text).toMatch(/INFO: hello\n$/);
  });
});
