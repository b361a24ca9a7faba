import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { SnakepitError } from '../errors/index.ts';
import { type Origins, put } from './origins.ts';

type Env = Readonly<Record<string, string | undefined>>;

interface Variable {
  readonly name: string;
  /** The option it sets; without one it is read elsewhere. */
  readonly path?: readonly [string, string];
  /** Whether `<name>_FILE` may name a file that holds the value: secrets do not belong into an environment. */
  readonly orFile?: true;
  readonly about: string;
}

/** The environment variables that configure Snakepit, for loading and for the reference page. */
export const environmentVariables: readonly Variable[] = [
  { name: 'SNAKEPIT_CONFIG', about: 'Configuration file, where `--config` names none.' },
  {
    name: 'SNAKEPIT_PYTHON',
    about: 'The Python interpreter, where neither `--python` nor `pools.<name>.python` names one.',
  },
  { name: 'SNAKEPIT_LOG_LEVEL', path: ['logs', 'level'], about: 'Least level written.' },
  {
    name: 'SNAKEPIT_OPS_TOKEN',
    path: ['ops', 'token'],
    orFile: true,
    about: 'Bearer token of the ops server.',
  },
  {
    name: 'SNAKEPIT_GATEWAY_TOKEN',
    path: ['gateway', 'token'],
    orFile: true,
    about: 'Bearer token of the gateway.',
  },
];

/** Lays what the environment says over options. An empty variable counts as unset. */
export const applyEnvironment = async (
  options: Record<string, unknown>,
  origins: Origins,
  settings: { readonly cwd: string; readonly env: Env },
): Promise<void> => {
  for (const variable of environmentVariables) {
    if (variable.path === undefined) continue;
    const found = await lookUp(variable, settings);
    // `logs: false` is a switch of its own, which a level does not turn on again.
    if (found === undefined || options[variable.path[0]] === false) continue;
    put(options, origins, variable.path, found.value, found.source);
  }
};

const lookUp = async (
  { name, orFile }: Variable,
  { cwd, env }: { readonly cwd: string; readonly env: Env },
) => {
  const value = env[name] || undefined;
  const source = `${name}_FILE`;
  const file = orFile === true ? env[source] || undefined : undefined;
  if (file === undefined) return value === undefined ? undefined : { value, source: name };
  if (value !== undefined) {
    throw new SnakepitError(
      'invalid_configuration',
      `${name} and ${source} are both set; allowed: one of them.`,
    );
  }
  try {
    // Secrets mounted as files end with a line break as a rule.
    return { value: (await readFile(resolve(cwd, file), 'utf8')).trim(), source };
  } catch (cause) {
    throw new SnakepitError(
      'invalid_configuration',
      `${source}: got '${file}', which cannot be read: ${(cause as Error).message}.`,
      { cause },
    );
  }
};
