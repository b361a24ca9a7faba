export { availableCpus } from './cpus.ts';
export { defineConfig, resolveOptions } from './resolve.ts';
export {
  optionsSchema,
  type PoolOptions,
  poolSchema,
  type ResolvedOptions,
  type ResolvedPool,
  type SnakepitOptions,
} from './schema.ts';
