import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, Option } from 'commander';
import { type ClientFlags, clientCommand, connect, countOf, type Finish, QUICK } from '../client/command.ts';
import { jsonLine, type OpsClient } from '../client/ops-client.ts';
import { painter } from '../show/paint.ts';
import { type Terminal, widthOf } from '../terminal.ts';
import { topScreen } from './top-screen.ts';
import type { StateView } from './view.ts';

interface TopFlags extends ClientFlags {
  readonly count?: string;
}

const EXAMPLES = `
Examples:
  snakepit top                               until Ctrl-C
  snakepit top --count 10
  snakepit top --json --count 60             one /api/state a line`;

const INTERVAL_MS = 1000;
const MAX_COUNT = 1_000_000_000;
/** To the upper left; then what follows overwrites what was there. */
const HOME = '\u001b[H';
/** What is left of the line, and below the last one. */
const CLEAR_LINE = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';
const CLEAR_SCREEN = '\u001b[2J';

/** `snakepit top` */
export const topCommand = (terminal: Terminal, finish: Finish): Command =>
  clientCommand('top', 'pools and workers, every second', QUICK)
    .addOption(new Option('--count <n>', 'stop after so many (default: on Ctrl-C)'))
    .addHelpText('after', EXAMPLES)
    .action(async (flags: TopFlags) => {
      const count =
        flags.count === undefined ? Number.POSITIVE_INFINITY : countOf('--count', flags.count, MAX_COUNT);
      const client = await connect(flags, terminal, QUICK);
      const interrupted = new AbortController();
      const interrupt = () => interrupted.abort();
      process.once('SIGINT', interrupt);
      try {
        await watch(client, { count, json: flags.json === true, stop: interrupted.signal }, terminal);
      } finally {
        process.off('SIGINT', interrupt);
      }
      finish(0);
    });

interface Watching {
  readonly count: number;
  readonly json: boolean;
  readonly stop: AbortSignal;
}

const watch = async (client: OpsClient, { count, json, stop }: Watching, terminal: Terminal) => {
  let before: { state: StateView; at: number } | undefined;
  for (let i = 0; i < count && !stop.aborted; i++) {
    if (i > 0) await sleep(INTERVAL_MS, undefined, { signal: stop }).catch(() => {});
    if (stop.aborted) return;
    const answer = await client.get<StateView>('/api/state');
    const now = { state: answer.value, at: performance.now() };
    if (json) terminal.out(jsonLine(answer));
    else {
      const seconds = before === undefined ? 0 : (now.at - before.at) / 1000;
      const screen = topScreen(
        { url: client.url, state: now.state, before: before?.state, seconds },
        { now: Date.now(), width: widthOf(terminal), paint: painter(terminal) },
      );
      terminal.out(terminal.columns === undefined ? `${screen}\n` : overwrite(screen, i === 0));
    }
    before = now;
  }
};

/** Line by line over what stands there: clearing the screen each time would flicker. */
const overwrite = (screen: string, first: boolean): string =>
  `${first ? CLEAR_SCREEN : ''}${HOME}${screen.replaceAll('\n', `${CLEAR_LINE}\n`)}${CLEAR_BELOW}`;
