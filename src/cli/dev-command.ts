import { Command, Option } from 'commander';
import type { ResolvedOptions } from '../config/index.ts';
import { Reloader } from './dev/reloader.ts';
import { appFolders } from './dev/watched.ts';
import { watchPython } from './dev/watcher.ts';
import type { ExitCode } from './exit.ts';
import { commandOptions, explicitPython, type Flags } from './options.ts';
import { refuseWindows, serveResolved, startServe } from './serve.ts';
import { serveFlags } from './serve-flags.ts';
import type { End, ServedRuntime } from './serve-lifecycle.ts';
import type { Terminal } from './terminal.ts';

const EXAMPLES = `
Examples:
  snakepit dev app.py
  snakepit dev app.py --workers 2 --no-watch

As \`snakepit serve\`, but with one worker a pool and logs for people. A changed .py file below the app's folder rolls the workers; one that
does not import leaves the old ones at work. Environments, node_modules, __pycache__ and hidden folders are not watched.`;

interface DevFlags extends Flags {
  readonly watch: boolean;
}

/** `snakepit dev [app.py]` */
export const devCommand = (terminal: Terminal, finish: (code: ExitCode) => void): Command => {
  const command = new Command('dev')
    .description('serve an app while you write it: one worker, and each change takes effect')
    .argument('[app.py]', 'file (`app.py`) or module (`pkg.module`); optional where a configuration names it')
    .addHelpText('after', EXAMPLES);
  for (const option of serveFlags()) command.addOption(option);
  command
    .addOption(new Option('--watch', 'reload on changes (the default)').default(true))
    .addOption(new Option('--no-watch', 'do not'));
  return command.action(async (app: string | undefined, flags: DevFlags) => {
    finish(await dev({ ...flags, app }, terminal));
  });
};

/** Serves for development until a signal ends it. */
export const dev = async (flags: DevFlags, terminal: Terminal, start = startServe): Promise<ExitCode> => {
  refuseWindows(terminal);
  const { resolved } = await commandOptions({ ...flags, logFormat: flags.logFormat ?? 'pretty' }, terminal);
  const options = flags.workers === undefined ? withOneWorker(resolved) : resolved;
  return serveResolved(
    {
      resolved: options,
      python: explicitPython(flags, terminal.cwd),
      start,
      ready: flags.watch ? (runtime) => reloadOnChange(runtime, options, terminal) : undefined,
    },
    terminal,
  );
};

/** One worker is enough to try things, and the soonest replaced. */
const withOneWorker = (resolved: ResolvedOptions): ResolvedOptions => ({
  ...resolved,
  pools: Object.fromEntries(
    Object.entries(resolved.pools).map(([name, pool]) => [name, { ...pool, workers: 1, minWorkers: 1 }]),
  ),
});

const reloadOnChange = async (
  runtime: ServedRuntime,
  options: ResolvedOptions,
  { cwd, err }: Terminal,
): Promise<End> => {
  const reload = runtime.reload?.bind(runtime);
  if (reload === undefined) return () => {};
  const reloader = new Reloader({ reload, say: err });
  const unwatch = await watchPython({
    folders: appFolders(options, cwd),
    changed: (path) => reloader.changed(path),
    failed: ({ message }) => err(`snakepit: not everything is watched for changes: ${message}\n`),
  });
  return () => {
    reloader.stop();
    unwatch();
  };
};
