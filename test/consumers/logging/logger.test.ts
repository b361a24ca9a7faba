import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cook, hostileValues, recipes } from '../../sanitize/hostile.ts';
import { openLog } from './fixtures.ts';

describe('logger', () => {
  it('writes the head, the fields and nothing else', async () => {
    const log = openLog();
    log.logger.debug('one');
    log.logger.info('two', { answer: 42, nested: { deep: [1] } });
    log.logger.warn('three', { logger: 'my.app', event: 'my.event' });
    log.logger.error('four', new Error('bad'));
    const lines = await log.lines();
    expect(lines.map(({ timestamp, ...line }) => line)).toMatchObject([
      { level: 'debug', message: 'one', logger: 'snakepit', event: 'snakepit.log' },
      { level: 'info', message: 'two', answer: 42, nested: { deep: [1] } },
      { level: 'warn', message: 'three', logger: 'my.app', event: 'my.event' },
      { level: 'error', message: 'four', error: { type: 'Error', message: 'bad' } },
    ]);
    expect(Object.keys(lines[0] as object).sort()).toEqual([
      ...['event', 'level', 'logger', 'message', 'timestamp'],
    ]);
  });

  it('does not let fields pass for the head', async () => {
    const log = openLog();
    log.logger.info('true', { level: 'fatal', timestamp: 'never', message: 'false', event: 7, logger: '' });
    const text = await log.text();
    expect(text.match(/"(level|timestamp|message|event|logger)":/g)).toHaveLength(5);
    expect(JSON.parse(text)).toMatchObject({
      level: 'info',
      message: 'true',
      level_: 'fatal',
      timestamp_: 'never',
      message_: 'false',
      event: 'snakepit.log',
      logger: 'snakepit',
    });
  });

  it('keeps the head of a line that looks like an HTTP request', async () => {
    const log = openLog();
    log.logger.info('a', { method: 'GET', headers: { host: 'x' }, socket: 1 });
    log.logger.info('b', { socket: 1, method: 'GET', headers: { host: 'x' } });
    expect(await log.lines()).toMatchObject([
      { event: 'snakepit.log', method: 'GET', headers: { host: 'x' }, socket_: 1 },
      { event: 'snakepit.log', method: 'GET', headers_: { host: 'x' }, socket: 1 },
    ]);
  });

  it('takes % in a message as it is', async () => {
    const log = openLog();
    log.logger.info('100 %s sure %d %j %%');
    expect((await log.lines())[0]?.message).toBe('100 %s sure %d %j %%');
  });

  it('takes anything for a message and for fields', async () => {
    const log = openLog();
    for (const value of hostileValues) {
      log.logger.info(value as never);
      log.logger.info('hostile', value as never);
      log.logger.info('hostile inside', { value });
    }
    const lines = await log.lines();
    expect(lines).toHaveLength(hostileValues.length * 3);
    for (const line of lines) {
      expect([line.level, line.logger]).toEqual(['info', 'snakepit']);
      expect(line.message).toEqual(expect.any(String));
      expect(line.event).toEqual(expect.any(String));
      expect(JSON.stringify(line).length).toBeLessThan(600_000);
    }
    expect(log.counts()).toEqual({ writeErrors: 0, dropped: 0 });
  });

  it('takes whatever fast-check thinks of, in fields and in events', async () => {
    const log = openLog();
    let expected = 0;
    fc.assert(
      fc.property(recipes, fc.string(), (recipe, message) => {
        log.logger.warn(message, { [message]: cook(recipe) });
        log.bus.emit(
          'snakepit.request.failed' as string,
          { duration_ms: cook(recipe) },
          {
            command: cook(recipe),
            error: cook(recipe),
            message: cook(recipe),
            timestamp: 1,
          },
        );
        expected += 2;
      }),
      { numRuns: 200 },
    );
    const counts = log.bus.consumers().find(({ name }) => name === 'logging');
    expect(counts).toMatchObject({ offered: expected / 2, delivered: expected / 2 });
    const lines = await log.lines();
    expect(lines).toHaveLength(expected);
    for (const line of lines) {
      expect(line).toMatchObject({ logger: 'snakepit', event: expect.stringMatching(/^snakepit\./) });
      expect(line.timestamp).toMatch(/Z$/);
      expect(line.message).toEqual(expect.any(String));
    }
  });
});
