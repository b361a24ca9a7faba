import { type Level, type Logger as Pino, pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { createLogging } from '../../../src/consumers/logging/index.ts';
import { EventBus } from '../../../src/events/index.ts';
import { complete, fail } from './fixtures.ts';

const options = { level: 'debug', format: 'json', dest: 'stderr' } as const;

const captured = (level: Level | 'silent' = 'info') => {
  const lines: Record<string, unknown>[] = [];
  const own = pino({ level, base: { service: 'mine' } }, { write: (text) => lines.push(JSON.parse(text)) });
  return { lines, own };
};

describe("a user's own logger", () => {
  it('gets our lines in its own way', async () => {
    const { lines, own } = captured();
    const bus = new EventBus();
    const log = createLogging({ options, bus, pino: own });
    log.logger.warn('hello', { a: 1 });
    complete(bus);
    await log.close();
    expect(lines).toMatchObject([
      { level: 40, msg: 'hello', service: 'mine', logger: 'snakepit', event: 'snakepit.log', a: 1 },
      { level: 30, service: 'mine', event: 'snakepit.request.completed', request_id: 'req_1' },
    ]);
  });

  it('has its say on the level, also later', () => {
    const { lines, own } = captured('error');
    const bus = new EventBus();
    const log = createLogging({ options, bus, pino: own });
    expect(bus.event('snakepit.request.completed').wanted).toBe(false);
    fail(bus, { category: 'request' });
    expect(lines).toEqual([]);
    own.level = 'info';
    expect(bus.event('snakepit.request.completed').wanted).toBe(true);
    log.setLevel('warn');
    expect(bus.event('snakepit.request.completed').wanted).toBe(false);
    complete(bus);
    fail(bus);
    expect(lines).toMatchObject([{ event: 'snakepit.request.failed' }]);
  });

  it('is left as it was on close', async () => {
    const { lines, own } = captured();
    const bus = new EventBus();
    const before = own.listenerCount('level-change');
    const log = createLogging({ options, bus, pino: own });
    await log.close();
    expect(own.listenerCount('level-change')).toBe(before);
    own.info('still there');
    expect(lines).toHaveLength(1);
  });

  it('may throw without harm', () => {
    const own = pino({
      level: 'trace',
      hooks: {
        logMethod() {
          throw new Error('hook');
        },
      },
    });
    const log = createLogging({ options, bus: new EventBus(), pino: own });
    expect(() => log.logger.info('x')).not.toThrow();
    expect(log.counts()).toEqual({ writeErrors: 1, dropped: 1 });
  });

  it('must be one', () => {
    const create = (it: unknown) => () => createLogging({ options, bus: new EventBus(), pino: it as Pino });
    expect(create({ info: () => {} })).toThrow('logs.pino: got something without the methods');
    expect(create(null)).toThrow('logs.pino');
  });
});
