import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Real processes on a machine that may be busy: long enough to never be the reason, short enough to end a hang.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Every file starts Python processes of its own; more at a time only makes all of them slow.
    maxWorkers: 2,
    passWithNoTests: false,
  },
});
