export { readAddress, readDnsName, staysHere, type WorkerAddress } from './address.ts';
export { anchorPython } from './anchor.ts';
export { type AppLocation, locateApp } from './app.ts';
export { availableCpus } from './cpus.ts';
export { environmentVariables } from './environment.ts';
export { type ConfigContext, configExtensions, findConfigFile, readConfigFile } from './file.ts';
export { type CriterionName, criterionNames, type ThresholdEvent } from './health-schema.ts';
export { configJsonSchema, type JsonSchema } from './json-schema.ts';
export {
  type ApplySettings,
  adopt,
  type ConfigChange,
  type ConfigChanger,
  type ConfigOutcome,
  type ConfigSource,
  copyTree,
  type Drift,
  formatPath,
  isLive,
  LiveConfig,
  leaves,
  mergePatch,
  parsePath,
  RestartOnlyError,
  type ShownChange,
  VersionConflictError,
  withValue,
} from './live/index.ts';
export { type LoadedConfig, type LoadSettings, loadConfig } from './load.ts';
export { isPlain, type Origins, put } from './origins.ts';
export { configReference } from './reference.ts';
export type { ResolvedRemote } from './remote-schema.ts';
export { type ConfigFunction, defineConfig, resolveOptions } from './resolve.ts';
export {
  optionsSchema,
  type PoolOptions,
  type ResolvedOptions,
  type ResolvedPool,
  type SnakepitOptions,
  usesGrpc,
} from './schema.ts';
export { serveDefaults } from './serve-defaults.ts';
