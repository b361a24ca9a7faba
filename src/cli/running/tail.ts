import { type Command, Option } from 'commander';
import { type ClientFlags, clientCommand, connect, type Finish, QUICK } from '../client/command.ts';
import { painter } from '../show/paint.ts';
import { plainLine } from '../show/plain.ts';
import { counted } from '../show/units.ts';
import type { Terminal } from '../terminal.ts';
import { follow, type Told } from './tail-feed.ts';
import { type TailEvent, tailLine } from './tail-line.ts';

interface TailFlags extends ClientFlags {
  readonly pattern?: readonly string[];
  readonly pool?: string;
  readonly command?: string;
  readonly correlationId?: string;
  readonly requestId?: string;
  readonly level?: string;
  readonly since?: string;
}

const EXAMPLES = `
Examples:
  snakepit tail
  snakepit tail --pattern 'snakepit.worker.**' --since 15m
  snakepit tail --level warning --pool gpu
  snakepit tail --json --correlation-id 1c9e… | jq .metadata.worker_id

Times are UTC. What could not be shown is told on standard error. Ctrl-C ends it, exit code 0.`;

const several = (value: string, before: readonly string[] = []): string[] => [...before, value];

/** `snakepit tail` */
export const tailCommand = (terminal: Terminal, finish: Finish): Command =>
  clientCommand('tail', 'events as they happen', QUICK)
    .addOption(
      new Option('--pattern <pattern>', 'events of this name; may be given several times').argParser(several),
    )
    .addOption(new Option('--pool <name>', 'of this pool only'))
    .addOption(new Option('--command <name>', 'of this command only'))
    .addOption(new Option('--correlation-id <id>', 'of this operation only'))
    .addOption(new Option('--request-id <id>', 'of this request only'))
    .addOption(new Option('--level <level>', 'at least: debug, info, warning, error or critical'))
    .addOption(new Option('--since <time>', 'first what is kept since: 15m, 2h ago, or an RFC 3339 time'))
    .addHelpText('after', EXAMPLES)
    .action(async (flags: TailFlags) => {
      const interrupted = new AbortController();
      const interrupt = () => interrupted.abort();
      process.once('SIGINT', interrupt);
      terminal.unread?.addEventListener('abort', interrupt, { once: true });
      try {
        await follow({
          connect: () => connect(flags, terminal, QUICK),
          path: (first) => pathOf(flags, first),
          stop: interrupted.signal,
          tell: teller(flags, terminal),
        });
      } finally {
        process.off('SIGINT', interrupt);
        terminal.unread?.removeEventListener('abort', interrupt);
      }
      finish(0);
    });

const pathOf = (flags: TailFlags, first: boolean): string => {
  const { pattern = [], pool, command, correlationId, requestId, level, since } = flags;
  const given = Object.entries({
    ...{ pool, command, level, immediate: '1' },
    correlation_id: correlationId,
    request_id: requestId,
    since: first ? since : undefined,
  });
  const query = new URLSearchParams();
  for (const each of pattern) query.append('pattern', each);
  for (const [name, value] of given) if (value !== undefined) query.append(name, value);
  return `/api/events?${query}`;
};

/** Events go to standard output; what is said about them does not, so that a program can read it. */
const teller = ({ json }: TailFlags, terminal: Terminal): ((told: Told) => void) => {
  const paint = painter(terminal);
  return (told) => {
    if (told.kind !== 'event') terminal.err(`${paint('dim', `-- ${noteOf(told)}`)}\n`);
    else if (json) terminal.out(`${told.data}\n`);
    else {
      const event = JSON.parse(told.data) as TailEvent;
      terminal.out(`${tailLine(event, { paint, width: terminal.columns })}\n`);
    }
  };
};

const noteOf = (told: Exclude<Told, { kind: 'event' }>): string => {
  switch (told.kind) {
    case 'dropped':
      return `${counted(told.count, 'event')} left out: more came than can be shown (a filter helps)`;
    case 'reset':
      return told.reason === 'other_instance'
        ? 'the instance is another one, or was started anew: events in between are missing'
        : 'events are missing: they happened too long ago to be kept';
    case 'disconnected':
      return `the connection is lost (${plainLine(told.why)}); trying again`;
    case 'reconnected':
      return `connected again, to ${plainLine(told.url)}`;
  }
};
