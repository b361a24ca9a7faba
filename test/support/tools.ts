import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const works = (file: string, args: readonly string[]): boolean => {
  try {
    execFileSync(file, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

const answers = new Map<string, boolean>();

/** Whether a program can be run here. */
export const hasTool = (name: string): boolean => {
  const known = answers.get(name);
  if (known !== undefined) return known;
  const found = works(name, ['--version']);
  answers.set(name, found);
  return found;
};

const required = () => process.env.SNAKEPIT_TEST_REQUIRE === 'all';

/**
 * Whether the tests that need a program can run: `describe.skipIf(!requireTool('promtool'))`.
 *
 * @throws Error when it is missing and `SNAKEPIT_TEST_REQUIRE` is `all`, so that nothing is skipped unnoticed where
 *   everything ought to be there
 */
export const requireTool = (name: string): boolean => {
  if (!hasTool(name) && required()) throw new Error(`The tests need '${name}', which cannot be run here.`);
  return hasTool(name);
};

/** The Python the tests use: `SNAKEPIT_TEST_PYTHON`, or that of `.venv` in the repository. */
export const testPython = (): string => {
  const own = fileURLToPath(new URL('../../.venv/bin/python', import.meta.url));
  return process.env.SNAKEPIT_TEST_PYTHON ?? (existsSync(own) ? own : 'python3');
};

/** Like {@link requireTool}, for a module of {@link testPython}. */
export const requirePythonModule = (module: string): boolean => {
  const found = works(testPython(), ['-c', `import ${module}`]);
  if (!found && required())
    throw new Error(`The tests need the Python module '${module}' in ${testPython()}.`);
  return found;
};
