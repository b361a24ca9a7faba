import { describe, expect, it } from 'vitest';
import { lifecycleRules } from '../../../src/consumers/logging/lifecycle.ts';
import { requestRules } from '../../../src/consumers/logging/requests.ts';
import { catalog, withContext } from '../../../src/events/index.ts';
import { complete, errorContext, fail, openLog, requestIds } from './fixtures.ts';

const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

describe('the line of an event', () => {
  it('tells a request in one line, with where its time went', async () => {
    const log = openLog();
    complete(log.bus, { timestamp: Date.UTC(2025, 0, 15, 10, 30, 0, 7) });
    expect(await log.lines()).toEqual([
      {
        timestamp: '2025-01-15T10:30:00.007Z',
        level: 'info',
        message: 'predict success in 12.3 ms',
        logger: 'snakepit',
        event: 'snakepit.request.completed',
        ...requestIds,
        duration_ms: 12.346,
        queue_time_ms: 1,
        python_ms: 10,
        python_cpu_ms: 3,
        bytes_in: 10,
        bytes_out: 20,
        status: 'success',
        attempts: 1,
      },
    ]);
  });

  it('keeps the whole error context of a failed request, traceback included', async () => {
    const log = openLog();
    fail(log.bus);
    fail(log.bus, { category: 'worker', code: 'worker_crashed' });
    const [request, worker] = await log.lines();
    expect(request).toMatchObject({
      level: 'warn',
      message: 'predict failed: ValueError: Invalid input shape',
      code: 'python_exception',
      category: 'request',
      retryable: false,
      duration_ms: 12,
      error: errorContext,
    });
    expect(worker).toMatchObject({ level: 'error', code: 'worker_crashed' });
  });

  it('tells a crash at error, with why', async () => {
    const log = openLog({ level: 'error' });
    log.bus.emit(
      'snakepit.worker.crashed',
      { uptime_ms: 5000, requests: 3, in_flight: 1, memory_mb: 512.3 },
      {
        pool_name: 'default',
        worker_id: 'w1',
        worker_slot: 0,
        reason: 'crashed',
        code: 'worker_crashed',
        category: 'worker',
        message: 'killed by SIGKILL',
        retryable: false,
        error: {
          error_type: 'WorkerCrashed',
          error_message: 'killed by SIGKILL',
          timestamp: '2025-01-15T10:30:00.000Z',
          exit: { code: null, signal: 'SIGKILL', stderr_tail: ['last words'], in_flight: ['req_1'] },
        },
      },
    );
    expect(await log.lines()).toMatchObject([
      {
        level: 'error',
        message: 'Worker w1 died: killed by SIGKILL',
        worker_id: 'w1',
        worker_slot: 0,
        uptime_ms: 5000,
        memory_mb: 512.3,
        reason: 'crashed',
        error: { exit: { signal: 'SIGKILL', stderr_tail: ['last words'] } },
      },
    ]);
  });

  it('passes on what Python logs, with its level, logger and request', async () => {
    const log = openLog();
    for (const level of ['debug', 'info', 'warning', 'error', 'critical', 'constructor'] as const) {
      log.bus.emit('python.log', {}, {
        ...requestIds,
        level,
        logger: 'torch.hub',
        message: `at ${level}`,
        fields: { file: 'app.py', line: 3, api_key: 'abc' },
      } as never);
    }
    const lines = await log.lines();
    expect(lines.map((line) => line.level)).toEqual(['debug', 'info', 'warn', 'error', 'fatal', 'info']);
    expect(lines[2]).toMatchObject({
      message: 'at warning',
      logger: 'torch.hub',
      event: 'python.log',
      request_id: 'req_1',
      worker_id: 'w1',
      fields: { file: 'app.py', line: 3, api_key: '[SANITIZED]' },
    });
  });

  it('tells refusals for want of room at debug, others at warn', async () => {
    const log = openLog();
    for (const category of ['system', 'request', 'worker']) {
      log.bus.emit('snakepit.request.rejected', { duration_ms: 0 }, {
        ...requestIds,
        category,
        code: 'queue_full',
        message: 'full',
        retryable: true,
      } as never);
    }
    expect((await log.lines()).map((line) => line.level)).toEqual(['debug', 'warn', 'warn']);
  });

  it('tells a change of health as loud as it is bad', async () => {
    const log = openLog();
    for (const to of ['ok', 'warning', 'error'] as const) {
      log.bus.emit('snakepit.health.status_changed', {}, { from: 'ok', to, why: 'because' });
    }
    const lines = await log.lines();
    expect(lines.map((line) => line.level)).toEqual(['info', 'warn', 'error']);
    expect(lines[2]).toMatchObject({ message: 'Health is error, was ok: because', from: 'ok', to: 'error' });
  });

  it('tells of a consumer that threw', async () => {
    const log = openLog({ level: 'warn' });
    log.bus.registerConsumer(
      'snakepit.pool.stopped',
      {
        name: 'broken',
        handle: () => {
          throw new Error('oops');
        },
      },
      { delivery: 'inline', sampled: false },
    );
    log.bus.emit('snakepit.pool.stopped', { uptime_ms: 1 }, { pool_name: 'default' });
    expect(await log.lines()).toMatchObject([
      {
        level: 'warn',
        event: 'snakepit.observability.consumer_failed',
        message: 'Consumer broken failed on snakepit.pool.stopped: oops',
        consumer: 'broken',
        event_: 'snakepit.pool.stopped',
        failures: 1,
      },
    ]);
  });

  it('exists for every event it has a rule for, with a head and no gaps in the words', async () => {
    const log = openLog({ level: 'trace' });
    const names = Object.keys({ ...lifecycleRules, ...requestRules }) as (keyof typeof catalog)[];
    for (const name of names) {
      const sample = (fields: object) =>
        Object.fromEntries(
          Object.entries(fields).map(([key, { type }]) => [
            key,
            { number: 5, string: 'text', boolean: true, object: {} }[type as 'number'],
          ]),
        );
      log.bus.emit(name as string, sample(catalog[name].measurements), {
        ...requestIds,
        ...sample(catalog[name].metadata),
        ...(name.startsWith('snakepit.session.') && { session_id: 'text' }),
        // A list, of which its message speaks.
        ...(name === 'snakepit.observability.config_changed' && {
          changes: [{ path: 'logs.level', from: 'warn', to: 'info' }],
        }),
      });
    }
    const lines = await log.lines();
    expect(lines.map((line) => line.event)).toEqual(names);
    for (const line of lines) {
      expect(line.timestamp).toMatch(RFC3339);
      expect(line.message).not.toMatch(/undefined|null|\[object/);
      expect(line).toMatchObject({ level: expect.any(String), logger: expect.any(String), ...requestIds });
      for (const field of Object.keys(catalog[line.event as keyof typeof catalog].measurements)) {
        expect(line).toHaveProperty(field);
      }
    }
  });
});

describe('the context of a line', () => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

  it('has the fields of withContext, and its trace', async () => {
    const log = openLog();
    withContext({ correlation_id: 'c1', user: 'ann', password: 'x', traceparent }, () => {
      log.logger.info('hello');
      complete(log.bus);
    });
    const ids = {
      correlation_id: 'c1',
      user: 'ann',
      password: '[SANITIZED]',
      trace_id: '0af7651916cd43dd8448eb211c80319c',
      span_id: 'b7ad6b7169203331',
    };
    const [own, event] = await log.lines();
    expect(own).toMatchObject(ids);
    expect(own).not.toHaveProperty('traceparent');
    expect(event).toMatchObject({ ...ids, request_id: 'req_1' });
  });

  it('does not take the fields of another operation', async () => {
    const log = openLog();
    withContext({ correlation_id: 'other', user: 'ann' }, () => complete(log.bus));
    const [line] = await log.lines();
    expect(line).toMatchObject({ correlation_id: 'c1' });
    expect(line).not.toHaveProperty('user');
  });
});
