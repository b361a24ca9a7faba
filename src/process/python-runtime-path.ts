import { fileURLToPath } from 'node:url';

/**
 * The folder that holds the Python package `snakepit`, for PYTHONPATH. Absolute, without a final slash.
 *
 * The package has the same shape in a checkout and installed, and `src` and `dist` lie side by side in it.
 */
export const pythonRuntimePath = (): string => fileURLToPath(new URL('../../python/src', import.meta.url));
