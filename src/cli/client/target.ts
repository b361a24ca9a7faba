import { applyEnvironment } from '../../config/environment.ts';
import { Unreachable, UsageError } from '../exit.ts';
import type { Instance } from '../instances/instance.ts';
import { runningInstances } from '../instances/list.ts';
import { plainLine } from '../show/plain.ts';
import { since } from '../show/units.ts';
import type { Terminal } from '../terminal.ts';

/** Which ops server a command speaks to. */
export interface Target {
  /** Without a final slash. */
  readonly url: string;
  readonly token: string | undefined;
}

type Surroundings = Pick<Terminal, 'cwd' | 'env'>;

/**
 * Finds the instance to speak to: the one named, else the only one of this user that runs.
 *
 * @throws UsageError where several run, or the URL is none
 * @throws Unreachable where none runs
 */
export const findTarget = async (opsUrl: string | undefined, surroundings: Surroundings): Promise<Target> => {
  const { instances, faults } = await runningInstances(surroundings);
  if (opsUrl === undefined) {
    const { ops_url: url, token } = onlyOne(instances, faults);
    return { url, token: token ?? (await tokenOf(surroundings)) };
  }
  const url = baseOf(opsUrl);
  const known = instances.find(({ ops_url }) => baseOf(ops_url) === url);
  return { url, token: (await tokenOf(surroundings)) ?? known?.token ?? undefined };
};

const onlyOne = (instances: readonly Instance[], faults: readonly string[]): Instance => {
  const [instance, ...others] = instances;
  if (instance === undefined) throw noInstance(faults);
  if (others.length === 0) return instance;
  const now = Date.now();
  const list = instances.map(
    ({ ops_url, pid, app, cwd, started_at }) =>
      `  --ops-url ${plainLine(ops_url)}   pid ${pid}, ${plainLine(app)} in ${plainLine(cwd)}, up ${since(started_at, now)}`,
  );
  throw new UsageError(
    `${instances.length} instances are running; say which one is meant:\n${list.join('\n')}`,
  );
};

const noInstance = (faults: readonly string[]): Unreachable => {
  const looked = faults.length === 0 ? '' : `\nNot looked into: ${faults.join('; ')}.`;
  return new Unreachable(
    'no instance of yours is running on this machine. `snakepit serve app.py` starts one; ' +
      `\`--ops-url http://host:port\` names one elsewhere, or another user's.${looked}`,
  );
};

/** `SNAKEPIT_OPS_TOKEN`, or what the file that `SNAKEPIT_OPS_TOKEN_FILE` names holds: read as `serve` reads them. */
const tokenOf = async ({ cwd, env }: Surroundings): Promise<string | undefined> => {
  const { SNAKEPIT_OPS_TOKEN, SNAKEPIT_OPS_TOKEN_FILE } = env;
  const options: { ops?: { token?: string } } & Record<string, unknown> = {};
  await applyEnvironment(options, new Map(), { cwd, env: { SNAKEPIT_OPS_TOKEN, SNAKEPIT_OPS_TOKEN_FILE } });
  return options.ops?.token;
};

const baseOf = (text: string): string => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const sound =
    url !== undefined &&
    (url.protocol === 'http:' || url.protocol === 'https:') &&
    url.username + url.password + url.search + url.hash === '';
  if (!sound) {
    throw new UsageError(
      `--ops-url: got '${plainLine(text)}'; allowed: an http or https URL without user, query or fragment, such as http://127.0.0.1:9464.`,
    );
  }
  return url.href.replace(/\/+$/, '');
};
