import type { Command } from 'commander';
import { type ClientFlags, clientCommand, connect, type Finish, PATIENT } from '../client/command.ts';
import { jsonLine, type OpsClient } from '../client/ops-client.ts';
import { type ExitCode, UsageError } from '../exit.ts';
import { indent, plainBlock, plainLine } from '../show/plain.ts';
import { counted, duration } from '../show/units.ts';
import type { Terminal } from '../terminal.ts';

interface RecycleFlags extends ClientFlags {
  readonly pool?: string;
  readonly unquarantine?: boolean;
}

interface RecycledView {
  readonly slot?: number;
  readonly old_worker_id?: string;
  readonly new_worker_id?: string | null;
  readonly outcome?: string;
  readonly error?: string;
  readonly duration_ms?: number;
}

interface UnquarantinedView {
  readonly slots?: readonly number[];
  readonly requests?: number;
}

const EXAMPLES = `
Examples:
  snakepit recycle default-1a2-3             the id is in \`snakepit status\`
  snakepit recycle --pool default            all workers, one after the other
  snakepit recycle --pool default --unquarantine

A new worker is ready before the old one goes, and what runs is finished. Exit code 1 when a new one did not start; the old one goes on.`;

/** `snakepit recycle <worker-id> | --pool NAME` */
export const recycleCommand = (terminal: Terminal, finish: Finish): Command =>
  clientCommand('recycle', 'replace a worker, or all workers of a pool, by new ones', PATIENT)
    .argument('[worker-id]', 'the worker to replace')
    .option('--pool <name>', 'replace all workers of this pool')
    .option(
      '--unquarantine',
      'with --pool: replace none, but let quarantined slots start again and quarantined requests through',
    )
    .addHelpText('after', EXAMPLES)
    .action(async (workerId: string | undefined, flags: RecycleFlags) => {
      checkUsage(workerId, flags);
      const client = await connect(flags, terminal, PATIENT);
      const { pool, unquarantine, json = false } = flags;
      if (unquarantine) finish(await letGo(client, pool as string, json, terminal));
      else finish(await recycle(client, pathOf(workerId, pool), json, terminal));
    });

const checkUsage = (workerId: string | undefined, { pool, unquarantine }: RecycleFlags): void => {
  if ((workerId === undefined) === (pool === undefined)) {
    const got = workerId === undefined ? 'neither' : 'both';
    throw new UsageError(`recycle: got ${got} of a worker id and --pool; allowed: one of them.`);
  }
  if (unquarantine && pool === undefined)
    throw new UsageError('--unquarantine: got a worker id; allowed: with --pool only.');
};

const pathOf = (workerId: string | undefined, pool: string | undefined): string =>
  workerId === undefined
    ? `/api/pools/${encodeURIComponent(pool as string)}/recycle`
    : `/api/workers/${encodeURIComponent(workerId)}/recycle`;

const recycle = async (
  client: OpsClient,
  path: string,
  json: boolean,
  terminal: Terminal,
): Promise<ExitCode> => {
  const answer = await client.post<RecycledView>(path);
  const recycled = listOf(answer.value);
  if (json) terminal.out(jsonLine(answer));
  else {
    for (const each of recycled) terminal.out(`${outcomeOf(each)}\n`);
    if (recycled.length === 0) terminal.out('There was no worker to replace.\n');
  }
  return recycled.every(({ outcome }) => outcome === 'replaced') ? 0 : 1;
};

/** One worker is answered by itself, those of a pool as a list. */
const listOf = (value: RecycledView & { readonly recycled?: readonly RecycledView[] }) =>
  value.recycled ?? [value];

const outcomeOf = ({ slot, old_worker_id, new_worker_id, outcome, error, duration_ms }: RecycledView) => {
  const where = `slot ${slot ?? '?'}, ${duration(duration_ms)}`;
  if (outcome === 'replaced')
    return `${plainLine(old_worker_id)} was replaced by ${plainLine(new_worker_id)} (${where}).`;
  const why = error === undefined ? '' : `\n${indent(plainBlock(error).trimEnd())}`;
  return `${plainLine(old_worker_id)} goes on: its successor did not start (${where}).${why}`;
};

const letGo = async (
  client: OpsClient,
  pool: string,
  json: boolean,
  terminal: Terminal,
): Promise<ExitCode> => {
  const answer = await client.post<UnquarantinedView>(`/api/pools/${encodeURIComponent(pool)}/unquarantine`);
  const { slots = [], requests = 0 } = answer.value;
  if (json) terminal.out(jsonLine(answer));
  else if (slots.length === 0 && requests === 0) terminal.out('Nothing was quarantined.\n');
  else {
    const which = slots.length === 0 ? '' : ` (${slots.join(', ')})`;
    terminal.out(`Let go: ${counted(slots.length, 'slot')}${which} and ${counted(requests, 'request')}.\n`);
  }
  return 0;
};
