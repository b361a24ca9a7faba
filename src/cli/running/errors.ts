import { type Command, Option } from 'commander';
import { type ClientFlags, clientCommand, connect, countOf, type Finish, QUICK } from '../client/command.ts';
import { jsonLine, type Query } from '../client/ops-client.ts';
import { UsageError } from '../exit.ts';
import { painter } from '../show/paint.ts';
import { type Terminal, widthOf } from '../terminal.ts';
import { type ErrorView, errorPage } from './error-page.ts';
import { type ErrorsView, errorsScreen } from './errors-screen.ts';

/** Flags that say which errors or slow requests are meant. */
export interface FilterFlags extends ClientFlags {
  readonly since?: string;
  readonly pool?: string;
  readonly command?: string;
  readonly code?: string;
  readonly limit?: string;
}

const EXAMPLES = `
Examples:
  snakepit errors --since 15m
  snakepit errors --pool default --code timeout --limit 5
  snakepit errors e4                         everything that is known of one, traceback included`;

/** `snakepit errors [id]` */
export const errorsCommand = (terminal: Terminal, finish: Finish): Command =>
  withFilter(clientCommand('errors', 'the last errors and their kinds, or all about one', QUICK))
    .argument('[id]', 'the error to show in full; ids are in the list')
    .addHelpText('after', EXAMPLES)
    .action(async (id: string | undefined, flags: FilterFlags) => {
      if (id === undefined) await list(flags, terminal);
      else await one(id, flags, terminal);
      finish(0);
    });

/** Adds the flags of {@link FilterFlags}. */
export const withFilter = (command: Command): Command =>
  command
    .addOption(new Option('--since <time>', 'not before: 15m, 2h, 1d ago, or an RFC 3339 time'))
    .addOption(new Option('--pool <name>', 'of this pool only'))
    .addOption(new Option('--command <name>', 'of this command only'))
    .addOption(new Option('--code <code>', 'with this error code only, e.g. timeout'))
    .addOption(new Option('--limit <n>', 'at most so many, the newest (default: 20)'));

/** What fits on a screen. */
const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 500;

/** The flags as the server takes them. @throws UsageError */
export const queryOf = ({ since, pool, command, code, limit, json }: FilterFlags): Query => ({
  since,
  pool,
  command,
  code,
  // Who reads JSON wants what the server has; who reads a screen wants a screenful.
  limit: limit === undefined ? (json ? undefined : DEFAULT_LIMIT) : countOf('--limit', limit, MAX_LIMIT),
});

const list = async (flags: FilterFlags, terminal: Terminal): Promise<void> => {
  const query = queryOf(flags);
  const client = await connect(flags, terminal, QUICK);
  const answer = await client.get<ErrorsView>('/api/errors', query);
  const look = { now: Date.now(), width: widthOf(terminal), paint: painter(terminal) };
  terminal.out(flags.json ? jsonLine(answer) : errorsScreen(answer.value, look));
};

const one = async (id: string, flags: FilterFlags, terminal: Terminal): Promise<void> => {
  const { since, pool, command, code, limit } = flags;
  if ((since ?? pool ?? command ?? code ?? limit) !== undefined) {
    throw new UsageError(`errors: got an id and a flag that chooses among many; allowed: one or the other.`);
  }
  const client = await connect(flags, terminal, QUICK);
  const answer = await client.get<ErrorView>(`/api/errors/${encodeURIComponent(id)}`);
  terminal.out(flags.json ? jsonLine(answer) : errorPage(answer.value, Date.now(), painter(terminal)));
};
