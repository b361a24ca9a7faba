import { type Command, Option } from 'commander';
import { formatPath, leaves } from '../../config/index.ts';
import { type ClientFlags, clientCommand, connect, countOf, type Finish, QUICK } from '../client/command.ts';
import { jsonLine } from '../client/ops-client.ts';
import { UsageError } from '../exit.ts';
import { painter } from '../show/paint.ts';
import { plainBlock, plainLine } from '../show/plain.ts';
import { type Terminal, widthOf } from '../terminal.ts';
import { keyOf, patchFrom, patchOf } from './patch.ts';
import { configScreen, diffScreen, outcomeText } from './screens.ts';
import { type ConfigView, type OutcomeView, valueText } from './view.ts';

const EXAMPLES = `
Examples:
  snakepit config                                        everything in force, and what can change live
  snakepit config get pools.default.workers
  snakepit config set logs.level=debug pools.default.workers=8
  snakepit config set logs.level=null                    the default again
  snakepit config set 'observability.sampling["snakepit.request.*"]=0.1' --dry-run
  snakepit config patch change.yaml                      several keys at once; - reads standard input
  snakepit config diff                                   what is not as configured

A change is checked as a whole, and made at once or not at all. It lasts until the next restart; to keep it, write it into the
configuration file, which SIGHUP has read again.`;

interface ChangeFlags extends ClientFlags {
  readonly dryRun?: boolean;
  readonly ifVersion?: string;
}

/** `snakepit config [get|set|patch|diff]` */
export const configCommand = (terminal: Terminal, finish: Finish): Command => {
  const command = clientCommand('config', 'show or change the configuration of the running instance', QUICK)
    .addHelpText('after', EXAMPLES)
    .action(async (flags: ClientFlags) => finish(await show(flags, terminal)));
  command.addCommand(
    clientCommand('get', 'the value of one key in force', QUICK)
      .argument('<key>', 'as `snakepit config` lists it; a group too')
      .action(async (key: string, _, inner: Command) => finish(await get(key, flagsOf(inner), terminal))),
  );
  command.addCommand(
    changing(clientCommand('set', 'change keys', QUICK))
      .argument('<key=value...>', 'values as in YAML or JSON; null puts the default back')
      .action(async (assignments: string[], _, inner: Command) =>
        finish(await change(await patchOf(assignments), flagsOf(inner), terminal)),
      ),
  );
  command.addCommand(
    changing(clientCommand('patch', 'change what a file says, a merge patch (RFC 7396)', QUICK))
      .argument('<file>', 'JSON or YAML; - reads standard input')
      .action(async (file: string, _, inner: Command) =>
        finish(await change(await patchFrom(file, terminal.cwd), flagsOf(inner), terminal)),
      ),
  );
  command.addCommand(
    clientCommand('diff', 'what in force is not as configured', QUICK).action(async (_, inner: Command) =>
      finish(await diff(flagsOf(inner), terminal)),
    ),
  );
  return command;
};

const changing = (command: Command): Command =>
  command
    .addOption(new Option('--dry-run', 'say what would change, and change nothing'))
    .addOption(new Option('--if-version <n>', 'only if the configuration still has this version'));

/** A flag that both have may stand before the inner command or behind it. */
const flagsOf = (inner: Command): ChangeFlags => inner.optsWithGlobals();

const lookOf = (terminal: Terminal) => ({ width: widthOf(terminal), paint: painter(terminal) });

const read = async (flags: ClientFlags, terminal: Terminal) =>
  (await connect(flags, terminal, QUICK)).get<ConfigView>('/api/config');

const show = async (flags: ClientFlags, terminal: Terminal): Promise<0> => {
  const answer = await read(flags, terminal);
  terminal.out(flags.json ? jsonLine(answer) : configScreen(answer.value, lookOf(terminal)));
  return 0;
};

const diff = async (flags: ClientFlags, terminal: Terminal): Promise<0> => {
  const { value } = await read(flags, terminal);
  const { drift = [], version } = value;
  terminal.out(flags.json ? `${JSON.stringify({ version, drift })}\n` : diffScreen(value, lookOf(terminal)));
  return 0;
};

const get = async (name: string, flags: ClientFlags, terminal: Terminal): Promise<0> => {
  const path = keyOf(name);
  const { config = {}, live = [], origins = {} } = (await read(flags, terminal)).value;
  const key = formatPath(path);
  const value = path.reduce<unknown>(
    (inner, step) =>
      typeof inner === 'object' && inner !== null && Object.hasOwn(inner, step)
        ? (inner as Record<string, unknown>)[step]
        : undefined,
    config,
  );
  if (value === undefined) throw noSuchKey(key, config);
  const isGroup = typeof value === 'object' && value !== null && !Array.isArray(value);
  const found = { key, value, live: live.includes(key), origin: origins[key] ?? 'default' };
  if (flags.json) terminal.out(`${JSON.stringify(isGroup ? { key, value } : found)}\n`);
  else if (isGroup) terminal.out(`${plainBlock(JSON.stringify(value, null, 2))}\n`);
  else terminal.out(`${plainLine(valueText(value))}\n`);
  return 0;
};

const noSuchKey = (key: string, config: object): UsageError => {
  const near = [...leaves(config)]
    .map(({ path }) => formatPath(path))
    .filter((each) => each.endsWith(`.${key}`));
  const hint =
    near.length === 0 ? '`snakepit config` lists those that are set.' : `Did you mean ${near.join(' or ')}?`;
  return new UsageError(`config get: got '${plainLine(key)}', which is not set. ${plainLine(hint)}`);
};

const change = async (patch: object, flags: ChangeFlags, terminal: Terminal): Promise<0> => {
  const { dryRun = false, ifVersion } = flags;
  const ifMatch =
    ifVersion === undefined ? undefined : `"${countOf('--if-version', ifVersion, Number.MAX_SAFE_INTEGER)}"`;
  const client = await connect(flags, terminal, QUICK);
  const answer = await client.patch<OutcomeView>(
    '/api/config',
    patch,
    { dry_run: dryRun ? 1 : undefined },
    ifMatch,
  );
  terminal.out(flags.json ? jsonLine(answer) : outcomeText(answer.value, dryRun));
  return 0;
};
