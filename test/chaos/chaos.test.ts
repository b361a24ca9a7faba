import { existsSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { type Report, runScenario, scenarios, table } from '../../chaos/index.mjs';
import { testPython } from '../support/tools.ts';

// Another each time, so that many runs see more than one; printed, and SNAKEPIT_CHAOS_SEED repeats it.
const seed = Number(process.env.SNAKEPIT_CHAOS_SEED ?? Date.now() % 1_000_000);

// A scenario ends itself after 55 s and then says what is broken; closing may take a while after that.
const TIMEOUT_MS = 120_000;

/** The short form of `npm run chaos`: what must hold is asserted, times are shown only. */
describe.skipIf(!existsSync('/proc/self/stat'))(`chaos, seed ${seed}`, () => {
  const reports: Report[] = [];
  afterAll(() => console.log(`seed ${seed}\n${table(reports)}`));

  it.each(scenarios)('$name', { timeout: TIMEOUT_MS }, async (scenario) => {
    const report = await runScenario(scenario, { seed, python: testPython(), long: false });
    reports.push(report);
    // With this among it, that the pool serves again.
    expect(report.broken).toEqual([]);
    expect(report.settled).toBe(report.sent);
    expect(report).toMatchObject({ settled_twice: 0, ran_twice: 0, orphans: 0 });
  });
});
