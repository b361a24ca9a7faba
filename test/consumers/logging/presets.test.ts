import { describe, expect, it } from 'vitest';
import { conventions, headFields, lineFields, targetOf } from '../../../src/consumers/logging/names.ts';
import { withContext } from '../../../src/events/index.ts';
import type { Json } from '../../../src/sanitize/index.ts';
import { errorContext, fail, openLog, parseLines, requestIds } from './fixtures.ts';

const at = Date.UTC(2025, 0, 15, 10, 30, 0, 7);
const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

/** The line of a failure in a trace, and a line of the user's. */
const linesIn = async (fields: 'ecs' | 'otel' | 'datadog' | 'gcp') => {
  const log = openLog({ fields });
  withContext({ correlation_id: 'c1', traceparent }, () =>
    fail(log.bus, { timestamp: at, category: 'worker' }),
  );
  log.logger.fatal('own', {
    user: 'ann',
    severity: 'high',
    '@timestamp': 'never',
    status: 'odd',
    Body: 'no',
    'log.level': 'x',
  });
  return parseLines(await log.text()) as unknown as Record<string, Json>[];
};

const { error_type, error_message, python_traceback, ...restOfError } = errorContext;

describe('the names of a convention', () => {
  it('ecs: Elastic Common Schema', async () => {
    const [line, own] = await linesIn('ecs');
    expect(line).toEqual({
      '@timestamp': '2025-01-15T10:30:00.007Z',
      'log.level': 'error',
      'ecs.version': expect.stringMatching(/^8\.\d+\.0$/),
      message: 'predict failed: ValueError: Invalid input shape',
      'log.logger': 'snakepit',
      'event.action': 'snakepit.request.failed',
      'trace.id': '0af7651916cd43dd8448eb211c80319c',
      'span.id': 'b7ad6b7169203331',
      'snakepit.pool_name': requestIds.pool_name,
      'snakepit.request_id': requestIds.request_id,
      'snakepit.correlation_id': 'c1',
      'snakepit.worker_id': 'w1',
      'snakepit.worker_slot': 0,
      'snakepit.command': 'predict',
      'event.duration': 12_000_000,
      'error.code': 'python_exception',
      'snakepit.category': 'worker',
      'snakepit.retryable': false,
      'error.type': error_type,
      'error.message': error_message,
      'error.stack_trace': python_traceback,
      'snakepit.error': restOfError,
    });
    expect(own).toMatchObject({
      'log.level': 'fatal',
      user: 'ann',
      '@timestamp_': 'never',
      'log.level_': 'x',
    });
  });

  it('otel: OpenTelemetry', async () => {
    const [line, own] = await linesIn('otel');
    expect(line).toEqual({
      Timestamp: `${at}000000`,
      SeverityText: 'ERROR',
      SeverityNumber: 17,
      Body: 'predict failed: ValueError: Invalid input shape',
      InstrumentationScope: { Name: 'snakepit' },
      EventName: 'snakepit.request.failed',
      TraceId: '0af7651916cd43dd8448eb211c80319c',
      SpanId: 'b7ad6b7169203331',
      Attributes: {
        'snakepit.pool_name': 'default',
        'snakepit.request_id': 'req_1',
        'snakepit.correlation_id': 'c1',
        'snakepit.worker_id': 'w1',
        'snakepit.worker_slot': 0,
        'snakepit.command': 'predict',
        'snakepit.duration_ms': 12,
        'error.type': 'python_exception',
        'snakepit.category': 'worker',
        'snakepit.retryable': false,
        'exception.type': error_type,
        'exception.message': error_message,
        'exception.stacktrace': python_traceback,
        'snakepit.error': restOfError,
      },
    });
    expect(own).toMatchObject({ SeverityNumber: 21, Body: 'own', Attributes: { user: 'ann', Body: 'no' } });
  });

  it('datadog: reserved and standard attributes', async () => {
    const [line, own] = await linesIn('datadog');
    expect(line).toEqual({
      timestamp: '2025-01-15T10:30:00.007Z',
      status: 'error',
      message: 'predict failed: ValueError: Invalid input shape',
      'logger.name': 'snakepit',
      'evt.name': 'snakepit.request.failed',
      'dd.trace_id': '0af7651916cd43dd8448eb211c80319c',
      'dd.span_id': BigInt('0xb7ad6b7169203331').toString(),
      'snakepit.pool_name': 'default',
      'snakepit.request_id': 'req_1',
      'snakepit.correlation_id': 'c1',
      'snakepit.worker_id': 'w1',
      'snakepit.worker_slot': 0,
      'snakepit.command': 'predict',
      duration: 12_000_000,
      'snakepit.code': 'python_exception',
      'snakepit.category': 'worker',
      'snakepit.retryable': false,
      'error.kind': error_type,
      'error.message': error_message,
      'error.stack': python_traceback,
      'snakepit.error': restOfError,
    });
    // Whatever is called status would be taken for the level.
    expect(own).toMatchObject({ status: 'critical', 'snakepit.status': 'odd' });
  });

  it('gcp: special fields of Cloud Logging', async () => {
    const [line, own] = await linesIn('gcp');
    expect(line).toMatchObject({
      time: '2025-01-15T10:30:00.007Z',
      severity: 'ERROR',
      message: 'predict failed: ValueError: Invalid input shape',
      logger: 'snakepit',
      event: 'snakepit.request.failed',
      'logging.googleapis.com/spanId': 'b7ad6b7169203331',
      'logging.googleapis.com/trace': expect.stringContaining('0af7651916cd43dd8448eb211c80319c'),
      ...requestIds,
      duration_ms: 12,
      code: 'python_exception',
      stack_trace: python_traceback,
    });
    expect(own).toMatchObject({ severity: 'CRITICAL', severity_: 'high' });
  });

  it.each(conventions)('%s gives every field of the table one name of its own', (convention) => {
    const names = Object.entries({ ...headFields, ...lineFields() })
      // A JavaScript error and a Python one never stand in one line.
      .filter(([name]) => !['error.type', 'error.message', 'error.stack'].includes(name))
      .map(([name, spec]) => targetOf(name, spec, convention).name);
    expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
  });
});
