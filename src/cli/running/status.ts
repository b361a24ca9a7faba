import type { Command } from 'commander';
import { type ClientFlags, clientCommand, connect, type Finish, QUICK } from '../client/command.ts';
import { jsonLine, type OpsClient } from '../client/ops-client.ts';
import { painter } from '../show/paint.ts';
import { type Terminal, widthOf } from '../terminal.ts';
import { statusScreen } from './status-screen.ts';
import type { HealthView, LinksView, StateView } from './view.ts';

const EXAMPLES = `
Examples:
  snakepit status
  snakepit status --ops-url http://127.0.0.1:9464
  snakepit status --json | jq .status      what /health/detailed says

Exit codes: 0 it answered, whatever its health; 1 it did not; 2 wrong usage, or several instances run.`;

/** `snakepit status` */
export const statusCommand = (terminal: Terminal, finish: Finish): Command =>
  clientCommand('status', 'health, pools, workers and what is wrong, on one screen', QUICK)
    .addHelpText('after', EXAMPLES)
    .action(async (flags: ClientFlags) => {
      const client = await connect(flags, terminal, QUICK);
      if (flags.json) terminal.out(jsonLine(await client.get('/health/detailed')));
      else await showStatus(client, terminal);
      finish(0);
    });

const showStatus = async (client: OpsClient, terminal: Terminal): Promise<void> => {
  // Either may be switched off in the instance; the other is worth showing alone.
  const [state, health, links] = await Promise.allSettled([
    client.get<StateView>('/api/state'),
    client.get<HealthView>('/health/detailed'),
    client.get<LinksView>('/health'),
  ]);
  if (state.status === 'rejected' && health.status === 'rejected') throw state.reason;
  const screen = statusScreen(
    {
      url: client.url,
      state: state.status === 'fulfilled' ? state.value.value : undefined,
      health: health.status === 'fulfilled' ? health.value.value : undefined,
      hasPage: links.status === 'fulfilled' && links.value.value.links?.dashboard !== undefined,
    },
    { now: Date.now(), width: widthOf(terminal), paint: painter(terminal) },
  );
  terminal.out(screen);
};
