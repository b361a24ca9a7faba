import { Command } from 'commander';
import { packageVersion } from '../version.ts';
import { devCommand } from './dev-command.ts';
import { doctorCommand } from './doctor-command.ts';
import { type ExitCode, report } from './exit.ts';
import { pythonPathCommand } from './python-path.ts';
import { runningCommands } from './running/index.ts';
import { serveCommand } from './serve-command.ts';
import { exitAfterFlush, processTerminal, type Terminal } from './terminal.ts';

const EXAMPLES = `
Examples:
  snakepit serve app.py                        the commands of app.py over HTTP, on port 8000
  snakepit serve app.py --workers 4 --port 0   four workers, any free port
  snakepit dev app.py                          the same while you write it: a change takes effect at once
  snakepit serve --config snakepit.config.mjs  everything as the file says
  snakepit doctor app.py                       what is missing on this machine, and how to mend it
  snakepit status                              how the running instance does; \`top\` shows it live
  snakepit tail --level warning                what goes wrong in it, as it happens
  snakepit config set logs.level=debug         a change of the running instance, without a restart
  PYTHONPATH="$(snakepit python-path)" pytest  test an app outside a worker

Exit codes: 0 done, 1 failed while running, 2 wrong usage or configuration.`;

/**
 * Runs the command line once.
 *
 * @param argv - as in `process.argv`
 * @returns the exit code
 */
export const main = async (
  argv: readonly string[],
  terminal: Terminal = processTerminal(),
): Promise<ExitCode> => {
  let code: ExitCode = 0;
  const finish = (result: ExitCode) => {
    code = result;
  };
  const program = new Command('snakepit')
    .description('Pools of warm Python workers for Node.js.')
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .addHelpText('after', EXAMPLES)
    .showSuggestionAfterError(true)
    .exitOverride()
    .configureOutput({ writeOut: terminal.out, writeErr: terminal.err });
  for (const command of [
    serveCommand(terminal, finish),
    devCommand(terminal, finish),
    ...runningCommands(terminal, finish),
    doctorCommand(terminal, finish),
    pythonPathCommand(terminal),
  ]) {
    // A subcommand made apart does not take these over by itself.
    program.addCommand(command.copyInheritedSettings(program));
    for (const inner of command.commands) inner.copyInheritedSettings(command);
  }
  try {
    await program.parseAsync(argv);
    return code;
  } catch (error) {
    return report(error, terminal);
  }
};

/** Runs the command line and ends the process with its exit code. For `bin/snakepit.js`. */
export const run = async (argv: readonly string[]): Promise<void> => {
  for (const stream of [process.stdout, process.stderr]) {
    // Whoever reads may stop reading: `snakepit doctor | head`.
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }
  await exitAfterFlush(await main(argv));
};
