/** The main job: installs and compiles what is missing, then runs examples/main.mjs. */
import { parseArgs } from 'node:util';
import { ensureBuild, ensureDashboard, ensureDependencies } from './lib/ensure.mjs';

const usage = `Usage: npm start -- [options]

  --for SECONDS   end by itself after that time, e.g. --for 20. Default: run until Ctrl-C
  --port N        port of the gateway, 0 for a free one. Default: 8000, a free one if that is in use
  --ops-port N    port of metrics and health, 0 for a free one. Default: 9464, a free one if that is in use
  --log FILE      keep the logs in this file. Default: a temporary one
  --help          show this
`;

/** What Node's timers can wait for. */
const MAX_SECONDS = Math.floor((2 ** 31 - 1) / 1000);

const wrong = (message) => {
  console.error(`${message}\n\n${usage}`);
  process.exit(2);
};

const numberOf = (name, text, allowed, fits) => {
  if (text === undefined) return undefined;
  const value = text.trim() === '' ? Number.NaN : Number(text);
  return fits(value) ? value : wrong(`--${name}: got '${text}'; allowed is ${allowed}.`);
};
const isPort = (value) => Number.isInteger(value) && value >= 0 && value <= 65535;
const portOf = (name, text) => numberOf(name, text, 'a whole number from 0 to 65535', isPort);

const read = () => {
  const text = { type: 'string' };
  try {
    return parseArgs({
      options: { for: text, port: text, 'ops-port': text, log: text, help: { type: 'boolean' } },
    }).values;
  } catch (error) {
    return wrong(error.message);
  }
};

const values = read();
if (values.help) {
  console.log(usage);
  process.exit(0);
}
const isTime = (value) => value > 0 && value <= MAX_SECONDS;
const runFor = numberOf('for', values.for, `a number of seconds above 0, at most ${MAX_SECONDS}`, isTime);
const options = {
  forMs: runFor === undefined ? undefined : runFor * 1000,
  port: portOf('port', values.port),
  opsPort: portOf('ops-port', values['ops-port']),
  log: values.log,
};

await ensureDependencies();
await ensureBuild();
await ensureDashboard();
const { main } = await import('../examples/main.mjs');
process.exitCode = await main(options);
