import type { Command } from 'commander';
import { type ClientFlags, clientCommand, connect, type Finish, QUICK } from '../client/command.ts';
import { jsonLine } from '../client/ops-client.ts';
import { indent, plainBlock, plainLine } from '../show/plain.ts';
import { duration } from '../show/units.ts';
import type { Terminal } from '../terminal.ts';

interface StacksView {
  readonly worker_id?: string;
  readonly pid?: number | null;
  readonly captured?: string;
  readonly took_ms?: number;
  readonly threads?: string;
  readonly requests?: readonly {
    readonly request_id?: string;
    readonly command?: string;
    readonly for_ms?: number;
    readonly stack?: string;
  }[];
}

const EXAMPLES = `
Examples:
  snakepit stack default-1a2-3               the id is in \`snakepit status\`

The worker is not stopped. Exit code 1 when no stack could be had.`;

/** `snakepit stack <worker-id>` */
export const stackCommand = (terminal: Terminal, finish: Finish): Command =>
  clientCommand('stack', "what a worker's Python is doing right now", QUICK)
    .argument('<worker-id>', 'the worker to look into')
    .addHelpText('after', EXAMPLES)
    .action(async (workerId: string, flags: ClientFlags) => {
      const client = await connect(flags, terminal, QUICK);
      const answer = await client.post<StacksView>(`/api/workers/${encodeURIComponent(workerId)}/stack`);
      terminal.out(flags.json ? jsonLine(answer) : stackPage(answer.value));
      finish(answer.value.captured === 'none' ? 1 : 0);
    });

const CAPTURED: Readonly<Record<string, string>> = {
  control_thread: 'told by its control thread',
  signal: 'told by a signal handler, since its control thread did not answer',
  none: 'no stack could be had: neither its control thread nor a signal was answered',
};

const stackPage = ({
  worker_id,
  pid,
  captured = '',
  took_ms,
  threads,
  requests = [],
}: StacksView): string => {
  const parts = [
    `Worker ${plainLine(worker_id)}${pid == null ? '' : `, pid ${pid}`}: ${CAPTURED[captured] ?? plainLine(captured)} (${duration(took_ms)})`,
    ...requests.map(
      ({ request_id, command, for_ms, stack }) =>
        `${plainLine(command)} (${plainLine(request_id)}), running for ${duration(for_ms)}:\n` +
        indent(stack ? plainBlock(stack).trimEnd() : 'its stack could not be told from the others'),
    ),
  ];
  if (threads) parts.push(`All threads:\n${indent(plainBlock(threads).trimEnd())}`);
  return `${parts.join('\n\n')}\n`;
};
