import { Command, Option } from 'commander';
import { isPlain, type LoadedConfig, put, type ResolvedOptions } from '../config/index.ts';
import { Reloader } from './dev/reloader.ts';
import { appFolders } from './dev/watched.ts';
import { watchPython } from './dev/watcher.ts';
import type { ExitCode } from './exit.ts';
import { commandOptions, explicitPython, type Flags } from './options.ts';
import { refuseWindows, rereading, serveResolved, startServe } from './serve.ts';
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
  const own = { ...flags, logFormat: flags.logFormat ?? 'pretty' };
  const read = (file?: string) =>
    commandOptions(
      { ...own, config: file ?? own.config },
      terminal,
      flags.workers === undefined ? withOneWorker : undefined,
    );
  const options = await read();
  return serveResolved(
    {
      ...options,
      python: explicitPython(flags, terminal.cwd),
      start,
      reread: rereading(options, read),
      ready: flags.watch ? (runtime) => reloadOnChange(runtime, options.resolved, terminal) : undefined,
    },
    terminal,
  );
};

/** One worker is enough to try things, and the soonest replaced. */
const withOneWorker = ({ options, origins }: LoadedConfig): void => {
  for (const name of isPlain(options.pools) ? Object.keys(options.pools) : []) {
    put(options, origins, ['pools', name, 'workers'], 1, 'snakepit dev');
    put(options, origins, ['pools', name, 'minWorkers'], 1, 'snakepit dev');
  }
};

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
