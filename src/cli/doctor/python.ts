import { resolve } from 'node:path';
import { availableCpus, locateApp, type ResolvedPool } from '../../config/index.ts';
import { type FoundPython, findPython } from '../../process/python.ts';
import { workerEnv } from '../../process/python-env.ts';
import { lastLine, type RunResult, runBounded } from '../../process/python-run.ts';
import { pythonRuntimePath } from '../../process/python-runtime-path.ts';
import type { Terminal } from '../terminal.ts';
import { type Finding, fail, ok, warn } from './finding.ts';

/** Importing numeric libraries from a cold disk takes tens of seconds. */
const IMPORT_TIMEOUT_MS = 60_000;
const SHORT_TIMEOUT_MS = 15_000;

export interface PythonCheck {
  /** Name of the pool. */
  readonly name: string;
  /** Undefined where neither an app nor a configuration is given: then Python alone is looked at. */
  readonly pool: ResolvedPool | undefined;
  /** What `--python` names. */
  readonly python: { readonly value: string; readonly source: string } | undefined;
  /** Whether there is more than one pool, so that findings must say which. */
  readonly several: boolean;
  readonly terminal: Pick<Terminal, 'cwd' | 'env'>;
}

/** Looks at the interpreter of a pool, at what it finds, and at the app on it. */
export async function* checkPython(check: PythonCheck): AsyncGenerator<Finding> {
  const { pool, terminal } = check;
  const label = (what: string) => (check.several ? `${what} (${check.name})` : what);
  let found: FoundPython;
  try {
    found = await findPython({
      explicit: explicitOf(check),
      app: pool?.app,
      cwd: terminal.cwd,
      workerCwd: resolve(terminal.cwd, pool?.cwd ?? '.'),
      env: terminal.env,
    });
  } catch (error) {
    yield fail(
      label('python'),
      (error as Error).message,
      'Install Python 3.9 or later, or name one with --python.',
    );
    return;
  }
  yield interpreter(label('python'), found);
  const run = runnerOf(found, check);
  const runtime = await run(['-c', 'import snakepit; print(snakepit.__version__)'], SHORT_TIMEOUT_MS);
  if (runtime.code !== 0) {
    yield fail(
      label('runtime'),
      failureOf(runtime),
      `Reinstall the package: ${pythonRuntimePath()} must hold the Python package snakepit.`,
    );
    return;
  }
  yield ok(label('runtime'), `snakepit ${runtime.stdout.trim()} from ${pythonRuntimePath()}`);
  yield msgpackOf(
    label('msgpack'),
    found,
    pool,
    await run(['-c', 'import msgpack; print(".".join(map(str, msgpack.version)))'], SHORT_TIMEOUT_MS),
  );
  if (pool !== undefined) yield appOf(label('app'), check, pool, run);
}

const explicitOf = ({ python, pool, name }: PythonCheck): { value: string; source: string } | undefined => {
  if (python !== undefined) return python;
  return pool?.python === undefined ? undefined : { value: pool.python, source: `pools.${name}.python` };
};

const interpreter = (check: string, { version, path, reason, skipped }: FoundPython): Finding => {
  const detail = `${version} at ${path}, by ${reason}`;
  if (skipped.length === 0) return ok(check, detail);
  return warn(
    check,
    detail,
    'Make that environment anew (`python3 -m venv --clear .venv`), or name an interpreter with --python.',
  );
};

type Run = (args: readonly string[], timeoutMs: number) => Promise<RunResult>;

/** Runs the interpreter as a worker would be run: its environment, its folder. */
const runnerOf = ({ path }: FoundPython, { pool, terminal }: PythonCheck): Run => {
  const env = workerEnv({
    host: terminal.env,
    inheritEnv: pool?.inheritEnv ?? true,
    extra: pool?.env ?? {},
    cpus: availableCpus(),
    workers: pool?.workers ?? 1,
    slot: 0,
  });
  const cwd = resolve(terminal.cwd, pool?.cwd ?? '.');
  return (args, timeoutMs) => runBounded(path, ['-X', 'utf8', ...args], { cwd, env, timeoutMs });
};

const msgpackOf = (
  check: string,
  found: FoundPython,
  pool: ResolvedPool | undefined,
  run: RunResult,
): Finding => {
  if (run.code === 0) return ok(check, run.stdout.trim());
  const remedy = `Install it into that environment: \`${quoted(found.executable)} -m pip install msgpack\`.`;
  if (pool?.codec === 'msgpack')
    return fail(check, 'not installed, and the pool asks for it (`codec`)', remedy);
  return warn(check, 'not installed: JSON is used, which is slower and swells bytes', remedy);
};

const quoted = (path: string) => (/\s/.test(path) ? `'${path}'` : path);

// The runtime's own loader: what it accepts here a worker accepts too.
const IMPORT_APP = `
import sys
from snakepit import _api
from snakepit._runtime import app
from snakepit._runtime.commands import Command
from snakepit._runtime.failure import from_exception
try:
    app.load(sys.argv[1], sys.argv[2])
    commands = [Command(name, function).name for name, function in _api.commands.items()]
except BaseException as error:
    sys.stderr.write("\\n" + (from_exception(error)["traceback"] or repr(error)))
    sys.exit(1)
sys.stdout.write("\\n" + ", ".join(commands))
`;

const appOf = async (
  check: string,
  { terminal }: PythonCheck,
  pool: ResolvedPool,
  run: Run,
): Promise<Finding> => {
  const location = locateApp(pool.app as string | URL, terminal.cwd);
  const target = location.kind === 'file' ? location.path : location.name;
  const cwd = resolve(terminal.cwd, pool.cwd ?? '.');
  const result = await run(['-c', IMPORT_APP, target, cwd], IMPORT_TIMEOUT_MS);
  if (result.code === 0) return ok(check, `${target} imports; commands: ${lastLine(result.stdout)}`);
  if (result.timedOut) {
    const why = `${target} was still importing after ${IMPORT_TIMEOUT_MS / 1000} s`;
    return warn(
      check,
      why,
      'Load models in a function marked @on_start: until that ends a worker is starting, and says so.',
    );
  }
  return fail(check, `${target} does not import\n${failureOf(result)}`, remedyOf(result.stderr));
};

const remedyOf = (stderr: string): string => {
  const missing = /ModuleNotFoundError: No module named '([^'.]+)/.exec(stderr)?.[1];
  return missing === undefined
    ? 'Mend what the traceback names.'
    : `Install ${missing} into the environment above, or name the environment that has it with --python.`;
};

const failureOf = ({ error, timedOut, stderr, code, signal }: RunResult): string => {
  if (error !== undefined) return error.message;
  if (timedOut) return 'it did not end in time';
  return stderr.trim() || `it ended with ${signal ?? `exit code ${code}`}`;
};
