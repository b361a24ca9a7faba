import { setTimeout as sleep } from 'node:timers/promises';
import { summary } from './figures.mjs';
import { Lab } from './lab.mjs';

/**
 * Runs one scenario in a lab of its own, and reports. Never rejects: what goes wrong is in `broken`.
 *
 * @param {{ name: string, run: (lab: Lab, size: object) => Promise<object | undefined> }} scenario
 * @param {{ seed: number, python: string, long: boolean, rounds?: number, deaths?: number, limitMs?: number }} settings
 */
export const runScenario = async (scenario, settings) => {
  const began = performance.now();
  const { limitMs = settings.long ? 480_000 : 55_000 } = settings;
  const lab = new Lab({ ...settings, name: scenario.name });
  let facts = {};
  try {
    const limit = sleep(limitMs, LATE, { ref: false });
    const outcome = await Promise.race([scenario.run(lab, settings), limit]);
    if (lab.must(outcome !== LATE, `was not over after ${limitMs / 1000} s`)) facts = outcome ?? {};
  } catch (error) {
    lab.broken.push(`failed: ${error?.stack ?? error}`);
  }
  const ranTwice = lab.ranTwice();
  await lab.end();
  const { sent, settled, settledTwice, succeeded, codes } = lab.tally;
  return {
    name: scenario.name,
    sent,
    settled,
    settled_twice: settledTwice,
    ran_twice: ranTwice,
    succeeded,
    failed: codes,
    deaths: lab.recovery.deaths,
    orphans: lab.orphans,
    recovery_ms: summary(lab.recovery.times),
    not_ready_ms: summary(lab.notReady.asked),
    not_ready_http_ms: summary(lab.notReady.http),
    facts,
    broken: lab.broken,
    took_ms: performance.now() - began,
  };
};

const LATE = Symbol('late');
