import { describe, expect, it } from 'vitest';
import { complete, fail, openLog } from './fixtures.ts';

const wanted = ({ bus }: ReturnType<typeof openLog>, name: string) => bus.event(name).wanted;

describe('the level', () => {
  it('decides which events are asked for at all', () => {
    const log = openLog({ level: 'warn' });
    expect(wanted(log, 'snakepit.request.completed')).toBe(false);
    expect(wanted(log, 'snakepit.worker.started')).toBe(false);
    expect(wanted(log, 'snakepit.request.failed')).toBe(true);
    expect(wanted(log, 'python.log')).toBe(true);
    expect(log.bus.consumers()).toMatchObject([{ name: 'logging', offered: 0 }]);
  });

  it.each([
    ['info', []],
    ['debug', ['request.started']],
    ['trace', ['request.queued', 'request.started', 'worker.busy', 'worker.idle', 'stream.chunk']],
  ] as const)('asks at %s for the events between acceptance and settlement: %j', (level, asked) => {
    const log = openLog({ level });
    const all = ['request.queued', 'request.started', 'worker.busy', 'worker.idle', 'stream.chunk'];
    expect(all.filter((name) => wanted(log, `snakepit.${name}`))).toEqual(asked);
  });

  it('asks for nothing when silent', () => {
    const log = openLog({ level: 'silent' });
    expect(log.bus.consumers()).toEqual([]);
    log.logger.error('nobody hears');
    expect(log.logger.isLevelEnabled('error')).toBe(false);
  });

  it('changes while running, and the events asked for with it', async () => {
    const log = openLog({ level: 'warn' });
    complete(log.bus, { request_id: 'before' });
    log.setLevel('info');
    expect(wanted(log, 'snakepit.request.completed')).toBe(true);
    complete(log.bus, { request_id: 'during' });
    log.logger.info('info is on');
    log.setLevel('error');
    expect(wanted(log, 'snakepit.request.completed')).toBe(false);
    complete(log.bus, { request_id: 'after' });
    log.logger.info('info is off');
    fail(log.bus, { category: 'worker' });
    fail(log.bus, { category: 'request' });
    const lines = await log.lines();
    expect(lines.map((line) => line.request_id ?? line.message)).toEqual(['during', 'info is on', 'req_1']);
  });

  it('refuses what is none', () => {
    const log = openLog();
    expect(() => log.setLevel('loud' as never)).toThrow(
      'logs.level: got "loud"; use one of trace, debug, info, warn, error, fatal, silent.',
    );
    expect(() => log.setLevel('constructor' as never)).toThrow('logs.level');
  });

  it('asks for nothing after close, whatever it is set to', async () => {
    const log = openLog({ level: 'warn' });
    await log.close();
    log.setLevel('debug');
    expect(wanted(log, 'snakepit.worker.crashed')).toBe(false);
  });
});
