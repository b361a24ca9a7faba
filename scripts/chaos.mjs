/**
 * Breaks what can be broken, many times, and reports: processes killed, stopped and crashed, hosts killed, disks full, frames cut.
 *
 *   npm run chaos                          everything, in the long form
 *   npm run chaos -- frames hosts          scenarios whose names hold one of these words
 *   npm run chaos -- --short --seed 7      the form `npm test` runs, with the chance of another run
 *
 * `--rounds`: hosts that are killed (default 200); `--deaths`: workers that die one after the other (default 2000); `--json`: the report as JSON.
 */
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { ensureBuild, ensureDependencies, ensurePython, venvPython } from './lib/ensure.mjs';

const count = { type: 'string' };
const flag = { type: 'boolean', default: false };
const { values, positionals } = parseArgs({
  options: { seed: count, rounds: count, deaths: count, short: flag, json: flag },
  allowPositionals: true,
});
const number = (name) => {
  if (values[name] === undefined) return undefined;
  const value = Number(values[name]);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  console.error(`--${name} is a whole number, got '${values[name]}'.`);
  process.exit(2);
};
const seed = number('seed') ?? Date.now() % 1_000_000;
const [rounds, deaths] = [number('rounds'), number('deaths')];
const say = values.json ? () => {} : console.log;

if (!existsSync('/proc/self/stat')) {
  console.error('The chaos suite counts processes by /proc, which only Linux has.');
  process.exit(2);
}
await ensureDependencies();
await ensureBuild();
await ensurePython();
const { runScenario, scenarios, table } = await import('../chaos/index.mjs');

const wanted = scenarios.filter(
  ({ name }) => positionals.length === 0 || positionals.some((word) => name.includes(word)),
);
if (wanted.length === 0) {
  console.error(`No such scenario. There are: ${scenarios.map(({ name }) => name).join(', ')}.`);
  process.exit(2);
}
say(`seed ${seed}`);
const reports = [];
for (const scenario of wanted) {
  const report = await runScenario(scenario, {
    seed,
    long: !values.short,
    python: venvPython,
    ...(rounds !== undefined && { rounds }),
    ...(deaths !== undefined && { deaths }),
  });
  say(
    `${report.broken.length === 0 ? 'ok  ' : 'FAIL'} ${report.name} (${(report.took_ms / 1000).toFixed(1)} s)`,
  );
  reports.push(report);
}
console.log(values.json ? JSON.stringify({ seed, reports }, undefined, 2) : `\n${table(reports)}`);
process.exitCode = reports.some(({ broken }) => broken.length > 0) ? 1 : 0;
