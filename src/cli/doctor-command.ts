import { Command, Option } from 'commander';
import { examine } from './doctor/examine.ts';
import type { Finding } from './doctor/finding.ts';
import { renderFindings } from './doctor/render.ts';
import type { ExitCode } from './exit.ts';
import { type Flags, wholeNumber } from './options.ts';
import type { Terminal } from './terminal.ts';

const EXAMPLES = `
Examples:
  snakepit doctor
  snakepit doctor app.py --python .venv/bin/python
  snakepit doctor --json

Exit codes: 0 nothing failed (warnings may stand), 1 something did, 2 wrong usage.`;

/** `snakepit doctor [app.py]` */
export const doctorCommand = (terminal: Terminal, finish: (code: ExitCode) => void): Command =>
  new Command('doctor')
    .description('check this machine, and say how to mend each fault')
    .argument('[app.py]', 'also import this app, as a worker would')
    .option('--config <file>', 'configuration (default: SNAKEPIT_CONFIG, else the nearest snakepit.config.*)')
    .option('--python <path>', 'Python interpreter (default: the environment around the app)')
    .addOption(new Option('--port <n>', 'port of the gateway (default: 8000)').argParser(wholeNumber))
    .addOption(
      new Option('--ops-port <n>', 'port of metrics and health (default: 9464)').argParser(wholeNumber),
    )
    .option('--json', 'one JSON document instead of lines')
    .addHelpText('after', EXAMPLES)
    .action(async (app: string | undefined, flags: Flags & { json?: boolean }) => {
      finish(await doctor({ ...flags, app }, terminal));
    });

/** Looks at everything and prints what was found. */
export const doctor = async (flags: Flags & { json?: boolean }, terminal: Terminal): Promise<ExitCode> => {
  const findings: Finding[] = [];
  for await (const finding of examine(flags, terminal)) findings.push(finding);
  const sound = findings.every(({ status }) => status !== 'fail');
  terminal.out(
    flags.json === true
      ? `${JSON.stringify({ ok: sound, checks: findings }, null, 2)}\n`
      : renderFindings(findings, terminal.colours),
  );
  return sound ? 0 : 1;
};
