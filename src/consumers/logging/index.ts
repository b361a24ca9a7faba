export type { Level, LevelOption, LogOptions } from './levels.ts';
export type { Logger, LogMethod } from './logger.ts';
export { createLogging, type Logging, type LoggingInit } from './logging.ts';
export type { LogCounts } from './writer.ts';
