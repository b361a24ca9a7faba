import { Command, Option } from 'commander';
import { type ExitCode, UsageError } from './exit.ts';
import { commandOptions, explicitPython, type Flags, wholeNumber } from './options.ts';
import { startServe } from './serve.ts';
import { serveUntilStopped } from './serve-lifecycle.ts';
import type { Terminal } from './terminal.ts';

const EXAMPLES = `
Examples:
  snakepit serve app.py
  snakepit serve app.py --workers 4 --python .venv/bin/python
  curl -H 'content-type: application/json' -d '{"text": "hi"}' http://127.0.0.1:8000/v1/commands/predict

Flags win over the environment, the environment over the file, the file over the defaults.`;

/** `snakepit serve [app.py]` */
export const serveCommand = (terminal: Terminal, finish: (code: ExitCode) => void): Command => {
  const command = new Command('serve')
    .description('serve the commands of a Python app over HTTP, with metrics and health')
    .argument('[app.py]', 'file (`app.py`) or module (`pkg.module`); optional where a configuration names it')
    .addHelpText('after', EXAMPLES);
  for (const option of serveOptions()) command.addOption(option);
  return command.action(async (app: string | undefined, flags: Flags) => {
    finish(await serve({ ...flags, app }, terminal));
  });
};

const serveOptions = (): Option[] => [
  new Option('--pool <name>', 'pool that the app and the flags of a pool are for (default: default)'),
  new Option('--workers <n>', 'worker processes (default: the CPUs, at most 4)').argParser(wholeNumber),
  new Option('--concurrency <n>', 'requests a worker runs at a time (default: 1)').argParser(wholeNumber),
  new Option(
    '--config <file>',
    'configuration (default: SNAKEPIT_CONFIG, else the nearest snakepit.config.*)',
  ),
  new Option('--host <address>', 'address of the gateway (default: 127.0.0.1)'),
  new Option('--port <n>', 'port of the gateway; 0: a free one (default: 8000)').argParser(wholeNumber),
  new Option('--ops-host <address>', 'address of metrics and health (default: 127.0.0.1)'),
  new Option('--ops-port <n>', 'port of metrics and health; 0: a free one (default: 9464)').argParser(
    wholeNumber,
  ),
  new Option('--transport <kind>', 'how host and worker talk (default: socket)').choices(['socket']),
  new Option('--python <path>', 'Python interpreter (default: the environment around the app)'),
  new Option('--log-level <level>', 'least level written (default: info)'),
  new Option('--log-format <format>', 'json or pretty (default: json)'),
  new Option('--log-dest <where>', 'stderr, stdout or a file (default: stderr)'),
];

/** Serves until a signal ends it. */
export const serve = async (flags: Flags, terminal: Terminal, start = startServe): Promise<ExitCode> => {
  if (terminal.platform === 'win32') {
    throw new UsageError(
      'platform: got Windows; allowed: Linux, macOS, or Linux inside Windows (WSL 2, `wsl --install`).',
    );
  }
  const { resolved } = await commandOptions(flags, terminal);
  const python = explicitPython(flags, terminal.cwd);
  return serveUntilStopped(
    () => start(resolved, { guest: false, ...(python !== undefined && { python }) }),
    {
      delayMs: resolved.shutdown.delayMs ?? (terminal.env.KUBERNETES_SERVICE_HOST ? KUBERNETES_DELAY_MS : 0),
      drainMs: resolved.shutdown.drainMs,
    },
    terminal,
  );
};

/** Endpoints are taken out of Services in the background: until then requests still come, and must not be refused. */
const KUBERNETES_DELAY_MS = 5000;
