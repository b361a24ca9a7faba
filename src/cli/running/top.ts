import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, Option } from 'commander';
import { type ClientFlags, clientCommand, connect, countOf, type Finish, QUICK } from '../client/command.ts';
import { jsonLine, type OpsClient } from '../client/ops-client.ts';
import { painter } from '../show/paint.ts';
import { aborted } from '../stop-signals.ts';
import { type Terminal, widthOf } from '../terminal.ts';
import { canDisplay, Display } from './top-display.ts';
import { type TopFacts, topScreen } from './top-screen.ts';
import type { HealthView, StateView } from './view.ts';

interface TopFlags extends ClientFlags {
  readonly count?: string;
}

const EXAMPLES = `
Examples:
  snakepit top                               live; q or Ctrl-C leaves it
  snakepit top | cat                         once
  snakepit top --json --count 60             one /api/state a line, every second`;

const INTERVAL_MS = 1000;
const MAX_COUNT = 1_000_000_000;

/** `snakepit top` */
export const topCommand = (terminal: Terminal, finish: Finish): Command =>
  clientCommand('top', 'pools, commands and workers, live', QUICK)
    .addOption(new Option('--count <n>', 'stop after so many (default: on q; 1 where it is no terminal)'))
    .addHelpText('after', EXAMPLES)
    .action(async (flags: TopFlags) => {
      const count = flags.count === undefined ? undefined : countOf('--count', flags.count, MAX_COUNT);
      const client = await connect(flags, terminal, QUICK);
      if (flags.json) await print(count ?? 1, async () => jsonLine(await client.get('/api/state')), terminal);
      else if (canDisplay(terminal)) await display(client, count ?? Number.POSITIVE_INFINITY, terminal);
      else {
        const read = reader(client);
        await print(count ?? 1, async () => screenOf(await read(), terminal), terminal);
      }
      finish(0);
    });

/** One after the other, for whoever keeps what is printed. */
const print = async (count: number, next: () => Promise<string>, terminal: Terminal): Promise<void> => {
  const interrupted = new AbortController();
  const interrupt = () => interrupted.abort();
  process.once('SIGINT', interrupt);
  try {
    await every(count, interrupted.signal, async () => {
      const text = await next();
      if (!interrupted.signal.aborted) terminal.out(text);
    });
  } finally {
    process.off('SIGINT', interrupt);
  }
};

const display = async (client: OpsClient, count: number, terminal: Terminal): Promise<void> => {
  const read = reader(client);
  // What cannot be asked at all is told where one has come from.
  let facts = await read();
  const screen = new Display(terminal);
  try {
    let first = true;
    await every(count, screen.left, async () => {
      if (!first) facts = await read();
      first = false;
      screen.show(() => screenOf(facts, terminal));
    });
  } finally {
    screen[Symbol.dispose]();
  }
};

/** Does something every second, and leaves at once when it is to stop. */
const every = async (count: number, stop: AbortSignal, act: () => Promise<void>): Promise<void> => {
  const stopped = aborted(stop);
  for (let i = 0; i < count && !stop.aborted; i++) {
    if (i > 0) await sleep(INTERVAL_MS, undefined, { signal: stop }).catch(() => {});
    if (!stop.aborted) await Promise.race([act(), stopped]);
  }
};

/** Asks what is to be shown, and remembers it for the next time. */
const reader = (client: OpsClient): (() => Promise<TopFacts>) => {
  let before: { readonly state: StateView; readonly at: number } | undefined;
  return async () => {
    const [state, health] = await Promise.all([
      client.get<StateView>('/api/state'),
      // It may be switched off in the instance.
      client.get<HealthView>('/health/detailed').catch(() => undefined),
    ]);
    const now = { state: state.value, at: performance.now() };
    const last = before;
    before = now;
    return {
      url: client.url,
      state: now.state,
      health: health?.value,
      before: last?.state,
      seconds: last === undefined ? 0 : (now.at - last.at) / 1000,
    };
  };
};

const screenOf = (facts: TopFacts, terminal: Terminal): string =>
  topScreen(facts, { now: Date.now(), width: widthOf(terminal), paint: painter(terminal) });
