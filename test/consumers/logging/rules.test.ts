import { describe, expect, it } from 'vitest';
import { type Clock, useClock, withContext } from '../../../src/events/index.ts';
import { complete, fail, openLog, requestIds } from './fixtures.ts';

const crash = (log: ReturnType<typeof openLog>, ids: object) =>
  log.bus.emit('snakepit.worker.starting', { attempt: 0 }, { ...requestIds, pid: 1, ...ids });
const python = (log: ReturnType<typeof openLog>, logger: string, level: string, ids: object = {}) =>
  log.bus.emit('python.log' as string, {}, { ...requestIds, logger, level, message: logger, ...ids });
const none = { components: {}, pools: {}, commands: {} } as const;

describe('levels by component, pool and command', () => {
  it('let through what the most specific one lets through', async () => {
    const log = openLog({
      level: 'warn',
      levels: {
        components: { 'snakepit.worker': 'debug', python: 'error', 'python.app': 'info', billing: 'trace' },
        pools: { gpu: 'info', quiet: 'silent' },
        commands: { predict: 'debug', noisy: 'error' },
      },
    });
    crash(log, { command: undefined, worker_id: 'component' });
    crash(log, { command: undefined, worker_id: 'no: pool', pool_name: 'quiet' });
    complete(log.bus, { command: 'other', request_id: 'no: level' });
    complete(log.bus, { command: 'other', pool_name: 'gpu', request_id: 'pool' });
    complete(log.bus, { command: 'predict', pool_name: 'quiet', request_id: 'command' });
    fail(log.bus, { command: 'noisy', pool_name: 'gpu', category: 'request', request_id: 'no: command' });
    python(log, 'app.db', 'info', { command: 'other' });
    python(log, 'application', 'warning', { command: 'other', request_id: 'no: another logger' });
    log.logger.debug('no: component of a line');
    log.logger.trace('component of a line', { logger: 'billing' });
    log.logger.debug('command of a line', { command: 'predict' });
    withContext({ command: 'predict' }, () => log.logger.debug('command of a context'));
    log.logger.child({ logger: 'billing.db' }).trace('component of a child');
    const lines = await log.lines();
    expect(
      lines.map((line) =>
        line.event === 'snakepit.log'
          ? line.message
          : line.worker_id !== 'w1'
            ? line.worker_id
            : line.event === 'python.log'
              ? line.logger
              : line.request_id,
      ),
    ).toEqual([
      'component',
      'pool',
      'command',
      'app.db',
      'component of a line',
      'command of a line',
      'command of a context',
      'component of a child',
    ]);
  });

  it('ask only for the events that some level lets through, and change while running', () => {
    const log = openLog({ level: 'warn' });
    const wanted = () => log.bus.event('snakepit.request.started').wanted;
    expect(wanted()).toBe(false);
    log.configure({
      level: 'warn',
      format: 'json',
      dest: 'stderr',
      levels: { ...none, pools: { gpu: 'debug' } },
    });
    expect(wanted()).toBe(true);
    log.configure({ level: 'warn', format: 'json', dest: 'stderr' });
    expect(wanted()).toBe(false);
  });

  it('run no code of what is logged', async () => {
    const log = openLog({ level: 'warn', levels: { ...none, commands: { predict: 'debug' } } });
    let ran = 0;
    const getter = Object.defineProperty({}, 'command', { enumerable: true, get: () => ran++ });
    const proxy = new Proxy(
      {},
      {
        getOwnPropertyDescriptor: () => {
          throw new Error('no');
        },
      },
    );
    log.logger.debug('no', getter);
    log.logger.debug('no', proxy);
    log.logger.warn('yes', proxy);
    expect((await log.lines()).map((line) => line.message)).toEqual(['yes']);
    expect(ran).toBe(0);
  });
});

describe('a request that is logged fully', () => {
  const start = (log: ReturnType<typeof openLog>, correlation_id: string) =>
    log.bus.emit('snakepit.request.queued', { queue_size: 1 }, { ...requestIds, correlation_id });

  it('is, whatever level, sampling and rate limits say, and no other', async () => {
    const log = openLog({ level: 'error' });
    log.bus.setSamplingRate('**', 0);
    log.bus.setRateLimit('**', { perSecond: 0.001, burst: 1 });
    log.logRequest('c1');
    for (const id of ['c1', 'c2', 'c1', 'c1']) {
      start(log, id);
      complete(log.bus, { correlation_id: id });
    }
    log.logger.trace('of it', { correlation_id: 'c1' });
    log.logger.trace('of another', { correlation_id: 'c2' });
    withContext({ correlation_id: 'c1' }, () => log.logger.trace('in its context', { password: 'x' }));
    const lines = await log.lines();
    expect(lines.map((line) => line.correlation_id)).toEqual(Array(8).fill('c1'));
    expect(lines.at(-1)).toMatchObject({
      level: 'trace',
      message: 'in its context',
      password: '[SANITIZED]',
    });
  });

  it('is not written twice where its level would have let it through', async () => {
    const log = openLog({ level: 'trace' });
    log.logRequest('c1');
    start(log, 'c1');
    start(log, 'c2');
    expect((await log.lines()).map((line) => line.correlation_id)).toEqual(['c1', 'c2']);
  });

  it('is for its time only, and then asks for no events any more', () => {
    let at = 1_000_000;
    const due: { at: number; run: () => void }[] = [];
    const clock: Clock = {
      monotonic: () => at,
      wall: () => at,
      after: (ms, run) => {
        const timer = { at: at + ms, run };
        due.push(timer);
        return { refresh: () => {}, stop: () => due.splice(due.indexOf(timer), 1) };
      },
      every: () => ({ refresh: () => {}, stop: () => {} }),
    };
    const restore = useClock(clock);
    try {
      const log = openLog({ level: 'error' });
      const wanted = () => log.bus.event('snakepit.request.queued').wanted;
      expect(log.logRequest('c1', { forMs: 5000 })).toBe(1_005_000);
      log.logRequest('c2', { forMs: 1000 });
      expect(wanted()).toBe(true);
      const pass = () => {
        const next = due.toSorted((a, b) => a.at - b.at)[0];
        if (next === undefined) throw new Error('nothing waits');
        due.splice(due.indexOf(next), 1);
        at = next.at;
        next.run();
      };
      pass();
      expect(wanted()).toBe(true);
      pass();
      expect(wanted()).toBe(false);
      expect(due).toEqual([]);
    } finally {
      restore();
    }
  });

  it('refuses what is no id or no time', () => {
    const log = openLog();
    expect(() => log.logRequest('no id\n')).toThrow('which is no correlation id');
    for (const forMs of [0, -1, Number.NaN, 24 * 3_600_000 + 1, '5' as never])
      expect(() => log.logRequest('c1', { forMs })).toThrow(
        'milliseconds above 0, at most 86400000 (24 hours)',
      );
  });
});
