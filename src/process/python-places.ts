import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, dirname, isAbsolute, join } from 'node:path';
import { exists } from './python-probe.ts';
import { lastLine, runBounded } from './python-run.ts';

/** Where Python is looked for when nobody named one. */
export interface SearchSettings {
  /** Folder of the app: the search for environments goes upwards from here. */
  readonly from: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** An interpreter that may be the one, or a place where none was. */
export type Place =
  | { readonly reason: string; readonly path: string }
  | { readonly reason: string; readonly path: undefined; readonly none: string };

/** Poetry itself is a Python program with many imports: a cold start takes seconds. */
const POETRY_TIMEOUT_MS = 15_000;

/** The places in the documented order, each looked at only when those before it had nothing. */
export async function* pythonPlaces(settings: SearchSettings): AsyncGenerator<Place> {
  yield fromVariable('VIRTUAL_ENV', settings);
  yield nearestEnvironment(settings.from);
  yield fromVariable('CONDA_PREFIX', settings);
  yield await poetryEnvironment(settings);
  const reason = 'python3 on PATH';
  let found = false;
  for (const path of onPath('python3', settings.env)) {
    found = true;
    yield { reason, path };
  }
  if (!found) yield { reason, path: undefined, none: 'not found' };
}

/** `bin/python` of an environment, as a link that leads to it: resolved, it would be the Python it was made from. */
const interpreterOf = (prefix: string): string => {
  const python = join(prefix, 'bin', 'python');
  const python3 = join(prefix, 'bin', 'python3');
  return !exists(python) && exists(python3) ? python3 : python;
};

const fromVariable = (name: 'VIRTUAL_ENV' | 'CONDA_PREFIX', { env }: SearchSettings): Place => {
  const prefix = env[name];
  if (!prefix) return { reason: name, path: undefined, none: 'not set' };
  return { reason: name, path: interpreterOf(prefix) };
};

const nearestEnvironment = (from: string): Place => {
  for (const folder of upwards(from)) {
    for (const name of ['.venv', 'venv']) {
      const path = interpreterOf(join(folder, name));
      // `venv` is a fair name for other folders too: only one with an interpreter counts.
      if (exists(path)) return { reason: `${name} in ${folder}`, path };
    }
  }
  return { reason: '.venv or venv', path: undefined, none: `none in ${from} or above` };
};

const poetryEnvironment = async ({ from, env }: SearchSettings): Promise<Place> => {
  const folder = [...upwards(from)].find((above) => exists(join(above, 'poetry.lock')));
  const none = (why: string): Place => ({ reason: 'Poetry', path: undefined, none: why });
  if (folder === undefined) return none(`no poetry.lock in ${from} or above`);
  const [poetry] = onPath('poetry', env);
  if (poetry === undefined) return none(`poetry.lock stands in ${folder}, but poetry is not on PATH`);
  // An active environment, here one that turned out unusable, would be given as Poetry's own.
  const { VIRTUAL_ENV: _, CONDA_PREFIX: __, ...rest } = env;
  const answer = await runBounded(poetry, ['env', 'info', '-p'], {
    cwd: folder,
    env: rest,
    timeoutMs: POETRY_TIMEOUT_MS,
  });
  if (answer.timedOut)
    return none(`\`poetry env info -p\` in ${folder} did not answer within ${POETRY_TIMEOUT_MS} ms`);
  const prefix = lastLine(answer.stdout);
  if (answer.code !== 0 || !isAbsolute(prefix))
    return none(`has no environment for ${folder} yet: run \`poetry install\` there`);
  return { reason: `Poetry's environment of ${folder}`, path: interpreterOf(prefix) };
};

/** A folder and those above it, nearest first. */
export function* upwards(folder: string): Generator<string> {
  for (let at = folder; ; at = dirname(at)) {
    yield at;
    if (dirname(at) === at) return;
  }
}

/** The executables of that name on PATH, in its order. */
export function* onPath(name: string, env: Readonly<Record<string, string | undefined>>): Generator<string> {
  for (const folder of (env.PATH ?? '').split(delimiter)) {
    // An empty or relative entry means whatever folder one happens to be in.
    if (!isAbsolute(folder)) continue;
    const path = join(folder, name);
    if (isExecutable(path)) yield path;
  }
}

const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
};
