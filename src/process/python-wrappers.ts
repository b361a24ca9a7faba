import { basename, isAbsolute } from 'node:path';

/** Programs that start Python for you, and how to ask them which one. */
const runners: Readonly<Record<string, string>> = {
  uv: '`uv python find` prints its path',
  uvx: '`uv python find` prints its path',
  poetry: '`poetry env info --executable` prints its path',
  pipenv: '`pipenv --py` prints its path',
  pdm: '`pdm info --python` prints its path',
  pyenv: '`pyenv which python` prints its path',
  conda: '`conda run -n NAME which python` prints its path',
  mamba: '`mamba run -n NAME which python` prints its path',
  micromamba: '`micromamba run -n NAME which python` prints its path',
  pixi: '`pixi run which python` prints its path',
  hatch: '`hatch run which python` prints its path',
  rye: '`rye run which python` prints its path',
};

/** Programs that run a line of their own; to name Python through one of these is the same mistake. */
const shells = new Set([
  'sh',
  'bash',
  'dash',
  'zsh',
  'fish',
  'env',
  'sudo',
  'nice',
  'nohup',
  'docker',
  'podman',
  'npx',
]);

/** Why the process that Snakepit starts must be Python itself. */
export const wrapperReason =
  'The process that is started must be Python itself: signals, exit codes, memory and CPU readings would be those of the wrapper';

const askPython = '`python -c "import sys; print(sys.executable)"`, run inside it, prints its path';

/**
 * Says why a value cannot be a Python interpreter by its very form: `uv run`, `poetry run`, a shell line.
 *
 * @param there - what stands at that very path: folders may contain spaces, or be called `env`
 * @returns what is wrong and how to mend it, or undefined where nothing is
 */
export const wrapperFault = (value: string, there: 'file' | 'folder' | 'nothing'): string | undefined => {
  if (there === 'folder') return undefined;
  const [program = '', ...more] = value.trim().split(/\s+/);
  const isLine = more.length > 0 && there === 'nothing';
  const isName = more.length === 0 && (there === 'file' || !value.includes('/'));
  const name = basename(program);
  const how = runners[name] ?? (shells.has(name) ? askPython : undefined);
  if (how !== undefined && (isLine || isName))
    return `${name} is a wrapper. ${wrapperReason}. Name the interpreter: ${how}.`;
  // A missing path with a space in one of its folders is just missing.
  if (!isLine || (isAbsolute(program) && !more.some((word) => word.startsWith('-')))) return undefined;
  return `a command line is not taken, only the interpreter. ${wrapperReason}. Name its path alone; settings of Python go into the pool's \`env\`.`;
};
