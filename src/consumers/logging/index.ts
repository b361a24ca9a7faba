export type { Level, LevelOption, LogOptions } from './levels.ts';
export type { Logger, LogMethod } from './logger.ts';
export {
  createLogging,
  type Logging,
  type LoggingInit,
  type LogRequestOptions,
} from './logging.ts';
export { conventions, headFields, lineFields, sources, targetOf } from './names.ts';
export { type LogCounts, type LogLosses, lossReasons } from './writer.ts';
