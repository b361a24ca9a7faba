import type { Command } from 'commander';
import { clientCommand, connect, type Finish, QUICK } from '../client/command.ts';
import { jsonLine } from '../client/ops-client.ts';
import { painter } from '../show/paint.ts';
import { indent, plainBlock } from '../show/plain.ts';
import { type Cell, type Column, table } from '../show/table.ts';
import { counted, duration, since } from '../show/units.ts';
import { type Terminal, widthOf } from '../terminal.ts';
import { type FilterFlags, queryOf, withFilter } from './errors.ts';
import { where } from './errors-screen.ts';
import type { Look } from './status-screen.ts';

interface SlowFlags extends FilterFlags {
  readonly stacks?: boolean;
}

/** `/api/requests/slow`. */
interface SlowView {
  readonly requests?: readonly SlowRow[];
  readonly totals?: { readonly seen?: number };
}

interface SlowRow {
  readonly timestamp?: string;
  readonly request_id?: string | null;
  readonly pool?: string | null;
  readonly command?: string | null;
  readonly phase?: string | null;
  readonly duration_ms?: number | null;
  readonly python_stack?: string | null;
  readonly status?: string;
  readonly total_ms?: number | null;
}

const EXAMPLES = `
Examples:
  snakepit slow
  snakepit slow --command predict --since 1h --stacks`;

/** `snakepit slow` */
export const slowCommand = (terminal: Terminal, finish: Finish): Command =>
  withFilter(clientCommand('slow', 'requests that took longer than they should', QUICK))
    .option('--stacks', 'also what Python was doing then, where it was captured')
    .addHelpText('after', EXAMPLES)
    .action(async (flags: SlowFlags) => {
      const query = queryOf(flags);
      const client = await connect(flags, terminal, QUICK);
      const answer = await client.get<SlowView>('/api/requests/slow', query);
      const look = { now: Date.now(), width: widthOf(terminal), paint: painter(terminal) };
      terminal.out(flags.json ? jsonLine(answer) : slowScreen(answer.value, flags.stacks === true, look));
      finish(0);
    });

const COLUMNS: readonly Column[] = [
  { title: 'Request' },
  { title: 'Ago', right: true },
  { title: 'Command', flexible: true },
  { title: 'Phase' },
  { title: 'By then', right: true },
  { title: 'In all', right: true },
  { title: 'Status' },
  { title: 'Stack' },
];

const slowScreen = ({ requests = [], totals }: SlowView, stacks: boolean, look: Look): string => {
  const seen =
    totals?.seen === undefined ? '' : ` of ${counted(totals.seen, 'slow request')} since the start`;
  if (requests.length === 0) return `No such slow requests${seen}.\n`;
  const rows = requests.map((row): Cell[] => [
    row.request_id ?? '-',
    since(row.timestamp, look.now),
    where(row.pool, row.command),
    row.phase ?? '-',
    duration(row.duration_ms),
    duration(row.total_ms),
    row.status ?? '-',
    row.python_stack ? 'yes' : 'no',
  ]);
  const texts = stacks ? requests.flatMap(stackOf) : [];
  return `${[`The last ${requests.length}${seen}, newest first:\n${table(COLUMNS, rows, look)}`, ...texts].join('\n\n')}\n`;
};

const stackOf = ({ request_id, python_stack }: SlowRow): string[] =>
  python_stack ? [`${plainBlock(request_id)}:\n${indent(plainBlock(python_stack).trimEnd())}`] : [];
