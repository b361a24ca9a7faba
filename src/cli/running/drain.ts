import { type Command, Option } from 'commander';
import {
  type ClientFlags,
  clientCommand,
  connect,
  type Finish,
  PATIENT,
  secondsOf,
} from '../client/command.ts';
import { jsonLine } from '../client/ops-client.ts';
import type { Terminal } from '../terminal.ts';

interface DrainFlags extends ClientFlags {
  readonly within?: string;
}

interface DrainedView {
  readonly drained?: boolean;
}

/** Leaves the answer time to come before the longest wait for one is over. Seconds. */
const MAX_WITHIN = PATIENT - 10;

const EXAMPLES = `
Examples:
  snakepit drain
  snakepit drain --within 30

New requests are refused from then on; the instance itself goes on until it is stopped. Exit code 1 when not all was finished in time.`;

/** `snakepit drain [--within SECONDS]` */
export const drainCommand = (terminal: Terminal, finish: Finish): Command =>
  clientCommand('drain', 'take no new requests and finish what runs and waits', PATIENT)
    .addOption(
      new Option('--within <seconds>', "longest wait for what runs (default: each pool's drainTimeoutMs)"),
    )
    .addHelpText('after', EXAMPLES)
    .action(async (flags: DrainFlags) => {
      const within = flags.within === undefined ? undefined : secondsOf('--within', flags.within, MAX_WITHIN);
      const client = await connect(flags, terminal, PATIENT);
      const answer = await client.post<DrainedView>(
        '/api/drain',
        within === undefined ? {} : { within_ms: Math.round(within * 1000) },
      );
      const drained = answer.value.drained === true;
      if (flags.json) terminal.out(jsonLine(answer));
      else terminal.out(drained ? 'Drained: nothing runs and nothing waits.\n' : LATE);
      finish(drained ? 0 : 1);
    });

const LATE = 'Not all was finished in time: some of it still runs or waits. New requests are refused.\n';
