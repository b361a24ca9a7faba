import { dirname, resolve } from 'node:path';
import { locateApp } from '../config/app.ts';
import { SnakepitError } from '../errors/index.ts';
import { onPath, pythonPlaces } from './python-places.ts';
import { oldestPython, pathFault, probePython, whatIs } from './python-probe.ts';
import { wrapperFault } from './python-wrappers.ts';

/** What to find Python for. */
export interface PythonRequest {
  /** An interpreter somebody named, and where: `--python`, `pools.default.python`. It is taken or refused, never passed over. */
  readonly explicit?: { readonly value: string; readonly source: string } | undefined;
  /** The app, file or module: environments are looked for from its folder upwards. Default: from `cwd`. */
  readonly app?: string | URL | undefined;
  /** Folder that relative paths start from, as a rule that of the host. */
  readonly cwd: string;
  /** Working directory of the workers: version managers choose by it, and an app that is a module is looked for there. Default: `cwd`. */
  readonly workerCwd?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** How long an interpreter may take to give its version. Default 10000 milliseconds. */
  readonly probeTimeoutMs?: number | undefined;
}

/** The interpreter the workers run on. */
export interface FoundPython {
  /** What to spawn: absolute, its links unresolved, since resolving them loses a virtual environment. */
  readonly path: string;
  /** Why it was chosen, for people: `--python`, `VIRTUAL_ENV`, `.venv in /srv/app`; also what was passed over, and why. */
  readonly reason: string;
  /** `x.y.z`. */
  readonly version: string;
  /** What it calls itself (`sys.executable`): behind a version manager's shim this is the Python proper. */
  readonly executable: string;
  /** Places that should have had an interpreter and did not, each with the reason. */
  readonly skipped: readonly string[];
}

const OLDEST = oldestPython.join('.');
const INSTALL =
  `Install Python ${OLDEST} or later (Debian and Ubuntu: \`apt install python3 python3-venv\`; Fedora: \`dnf install python3\`; macOS: \`brew install python\`), ` +
  'make an environment (`python3 -m venv .venv`), or name an interpreter with --python or SNAKEPIT_PYTHON.';

/**
 * Finds the Python interpreter, in this order: the one named explicitly, `SNAKEPIT_PYTHON`, `VIRTUAL_ENV`, the nearest `.venv` or
 * `venv` from the app upwards, `CONDA_PREFIX`, Poetry's environment where a poetry.lock stands, `python3` on PATH.
 *
 * @throws SnakepitError `invalid_configuration`: a named interpreter that cannot be used, one older than 3.9, or none at all
 */
export const findPython = async (request: PythonRequest): Promise<FoundPython> => {
  const { env } = request;
  if (request.explicit !== undefined) return named(request.explicit, request);
  if (env.SNAKEPIT_PYTHON) return named({ value: env.SNAKEPIT_PYTHON, source: 'SNAKEPIT_PYTHON' }, request);
  return searched(request);
};

const named = async (
  { value, source }: { value: string; source: string },
  request: PythonRequest,
): Promise<FoundPython> => {
  const refuse = (why: string): never => {
    throw new SnakepitError('invalid_configuration', `${source}: got '${value}'; ${why}`);
  };
  const byName = !/[/\\]/.test(value);
  const path = byName ? [...onPath(value, request.env)][0] : resolve(request.cwd, value);
  const wrapper = wrapperFault(value, whatIs(path));
  if (wrapper !== undefined) return refuse(wrapper);
  const allowed = `Allowed: the path of a Python ${OLDEST} or later, or a name on PATH such as python3.12.`;
  if (path === undefined) return refuse(`there is no such program on PATH. ${allowed}`);
  const fault = pathFault(path);
  if (fault !== undefined) {
    const home = value.startsWith('~') ? ' (~ is expanded by shells only)' : '';
    return refuse(`${path} ${fault}${home}. ${allowed}`);
  }
  const probe = await probePython(path, settingsOf(request));
  if (probe.kind === 'failed') return refuse(`${probe.why}. ${allowed}`);
  if (probe.kind === 'old') throw tooOld(path, source, probe.version);
  return { path, reason: source, version: probe.version, executable: probe.executable, skipped: [] };
};

const searched = async (request: PythonRequest): Promise<FoundPython> => {
  const { env } = request;
  const from = searchFrom(request);
  const tried = ["--python, the pool's `python` and SNAKEPIT_PYTHON: not given"];
  const skipped: string[] = [];
  for await (const place of pythonPlaces({ from, env })) {
    if (place.path === undefined) {
      tried.push(`${place.reason}: ${place.none}`);
      continue;
    }
    const why = pathFault(place.path);
    const probe = why === undefined ? await probePython(place.path, settingsOf(request)) : undefined;
    // Whoever set up an environment wants it used: a silent step to another Python would end in a missing module.
    if (probe?.kind === 'old') throw tooOld(place.path, place.reason, probe.version);
    if (probe?.kind === 'ok') {
      const { version, executable } = probe;
      const passed = skipped.length === 0 ? '' : ` (passed over: ${skipped.join('; ')})`;
      return { path: place.path, reason: place.reason + passed, version, executable, skipped };
    }
    skipped.push(`${place.reason}: ${place.path} ${why ?? probe?.why}`);
    tried.push(skipped.at(-1) as string);
  }
  const list = tried.map((line) => `\n  - ${line}`).join('');
  throw new SnakepitError(
    'invalid_configuration',
    `No Python ${OLDEST} or later was found. Tried, in this order:${list}\n${INSTALL}`,
  );
};

const searchFrom = ({ app, cwd, workerCwd = cwd }: PythonRequest): string => {
  const location = app === undefined ? undefined : locateApp(app, cwd);
  return location?.kind === 'file' ? dirname(location.path) : resolve(workerCwd);
};

const settingsOf = ({ cwd, workerCwd, env, probeTimeoutMs }: PythonRequest) => ({
  cwd: workerCwd ?? cwd,
  env,
  timeoutMs: probeTimeoutMs,
});

const tooOld = (path: string, reason: string, version: string): SnakepitError =>
  new SnakepitError(
    'invalid_configuration',
    `${reason}: got Python ${version} (${path}); allowed: ${OLDEST} or later. Make the environment anew with a newer Python ` +
      '(`python3.12 -m venv .venv`), or name one with --python or SNAKEPIT_PYTHON.',
  );
