export { formatPath, isLive, parsePath } from './keys.ts';
export {
  type ApplySettings,
  type ConfigChange,
  type ConfigChanger,
  type ConfigOutcome,
  type ConfigSource,
  type Drift,
  LiveConfig,
} from './live-config.ts';
export { mergePatch } from './merge-patch.ts';
export { RestartOnlyError, VersionConflictError } from './refusals.ts';
export { type ShownChange, shownConfig } from './shown.ts';
export { adopt, copyTree, leaves, withValue } from './trees.ts';
