import { Command } from 'commander';
import type { ExitCode } from './exit.ts';
import { commandOptions, explicitPython, type Flags } from './options.ts';
import { refuseWindows, rereading, serveResolved, startServe } from './serve.ts';
import { serveFlags } from './serve-flags.ts';
import type { Terminal } from './terminal.ts';

const EXAMPLES = `
Examples:
  snakepit serve app.py
  snakepit serve app.py --workers 4 --python .venv/bin/python
  curl -H 'content-type: application/json' -d '{"text": "hi"}' http://127.0.0.1:8000/v1/commands/predict

Flags win over the environment, the environment over the file, the file over the defaults. SIGHUP has the file read again and log files
opened anew; \`snakepit config\` changes things without a file.`;

/** `snakepit serve [app.py]` */
export const serveCommand = (terminal: Terminal, finish: (code: ExitCode) => void): Command => {
  const command = new Command('serve')
    .description('serve the commands of a Python app over HTTP, with metrics and health')
    .argument('[app.py]', 'file (`app.py`) or module (`pkg.module`); optional where a configuration names it')
    .addHelpText('after', EXAMPLES);
  for (const option of serveFlags()) command.addOption(option);
  return command.action(async (app: string | undefined, flags: Flags) => {
    finish(await serve({ ...flags, app }, terminal));
  });
};

/** Serves until a signal ends it. */
export const serve = async (flags: Flags, terminal: Terminal, start = startServe): Promise<ExitCode> => {
  refuseWindows(terminal);
  const read = (file?: string) => commandOptions({ ...flags, config: file ?? flags.config }, terminal);
  const options = await read();
  return serveResolved(
    {
      ...options,
      python: explicitPython(flags, terminal.cwd),
      start,
      reread: rereading(options, read),
    },
    terminal,
  );
};
