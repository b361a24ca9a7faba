import type { LogLevel } from '../../events/index.ts';
import type { Level } from './levels.ts';
import { duration, failure, type Rules } from './rules.ts';

const pythonLevels: ReadonlyMap<LogLevel, Level> = new Map([
  ['debug', 'debug'],
  ['info', 'info'],
  ['warning', 'warn'],
  ['error', 'error'],
  ['critical', 'fatal'],
]);

/**
 * Lines about requests: one for every settled request at `info`, with where its time went, and one with the whole error context for
 * each that failed. Refusals for want of room are `debug`: under overload they come by the thousand, and the pool has said so once.
 */
export const requestRules: Rules = {
  'snakepit.request.queued': {
    levels: ['trace'],
    message: ({ metadata, measurements }) =>
      `${metadata.command} accepted, ${measurements.queue_size} requests wait`,
  },
  'snakepit.request.started': {
    levels: ['debug'],
    message: ({ metadata, measurements }) =>
      `${metadata.command} started after ${duration(measurements.queue_time_ms)}`,
    args: 'always',
  },
  'snakepit.request.completed': {
    levels: ['info'],
    message: ({ metadata, measurements }) =>
      `${metadata.command} ${metadata.status} in ${duration(measurements.duration_ms)}`,
    fields: ['status', 'code', 'attempts'],
    args: 'asked',
  },
  'snakepit.request.failed': {
    levels: ['error', 'warn'],
    level: ({ metadata }) => (metadata.category === 'request' ? 'warn' : 'error'),
    message: ({ metadata }) => `${metadata.command} failed: ${metadata.message}`,
    fields: failure,
  },
  'snakepit.request.timed_out': {
    levels: ['warn'],
    message: ({ metadata }) => `${metadata.command} timed out: ${metadata.message}`,
    fields: failure,
  },
  'snakepit.request.cancelled': {
    levels: ['debug'],
    message: ({ metadata }) => `${metadata.command} cancelled`,
    fields: failure,
  },
  'snakepit.request.rejected': {
    levels: ['warn', 'debug'],
    level: ({ metadata }) => (metadata.category === 'system' ? 'debug' : 'warn'),
    message: ({ metadata }) => `${metadata.command} rejected: ${metadata.message}`,
    fields: failure,
  },
  'snakepit.request.slow': {
    levels: ['warn'],
    message: ({ metadata, measurements }) =>
      `${metadata.command} is slow: ${metadata.phase} for ${duration(measurements.duration_ms)}`,
    fields: ['phase', 'python_stack'],
  },
  'snakepit.request.retried': {
    levels: ['warn'],
    message: ({ metadata, measurements }) =>
      `${metadata.command} is started again after attempt ${measurements.attempt}: ${metadata.message}`,
    fields: ['code'],
  },
  'snakepit.stream.opened': {
    levels: ['trace'],
    message: ({ metadata }) => `${metadata.command} is to be streamed`,
  },
  'snakepit.stream.chunk': {
    levels: ['trace'],
    message: ({ metadata, measurements }) =>
      `${metadata.command} streamed chunk ${measurements.index} of ${measurements.bytes} bytes`,
  },
  'snakepit.stream.closed': {
    levels: ['debug'],
    message: ({ metadata, measurements }) =>
      `${metadata.command} streamed ${measurements.chunks} chunks in ${duration(measurements.duration_ms)}`,
  },
  'python.log': {
    levels: ['fatal', 'error', 'warn', 'info', 'debug'],
    level: ({ metadata }) => pythonLevels.get(metadata.level) ?? 'info',
    logger: ({ metadata }) => metadata.logger,
    message: ({ metadata }) => metadata.message,
    fields: ['fields'],
  },
};
