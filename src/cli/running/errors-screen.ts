import { type Cell, type Column, table } from '../show/table.ts';
import { counted, figure, since } from '../show/units.ts';
import type { Look } from './status-screen.ts';

type Text = string | null;

/** One error, as the list has it. */
export interface ErrorLineView {
  readonly id?: string;
  readonly timestamp?: string;
  readonly pool?: Text;
  readonly command?: Text;
  readonly code?: string;
  readonly message?: string;
}

/** `/api/errors`. */
export interface ErrorsView {
  readonly errors?: readonly ErrorLineView[];
  readonly groups?: readonly {
    readonly code?: string;
    readonly pool?: Text;
    readonly command?: Text;
    readonly message?: string;
    readonly count?: number;
    readonly last_seen?: string;
    readonly per_minute?: readonly number[];
  }[];
  readonly quarantined?: readonly {
    readonly pool?: string;
    readonly command?: string;
    readonly deaths?: number;
  }[];
  readonly totals?: { readonly errors?: number; readonly kept?: number };
}

/** The answer of `snakepit errors`: kinds first, then the errors themselves. */
export const errorsScreen = (view: ErrorsView, look: Look): string => {
  const { errors = [], groups = [], totals } = view;
  const kept = totals?.errors === undefined ? '' : ` of ${counted(totals.errors, 'error')} since the start`;
  if (errors.length === 0 && groups.length === 0) return `No such errors${kept}.\n`;
  const parts = [
    `Kinds:\n${groupTable(groups, look)}`,
    `The last ${errors.length}${kept}; \`snakepit errors <id>\` shows one:`,
  ];
  return `${parts.join('\n\n')}\n${errorTable(errors, look)}${refusedNote(view)}\n`;
};

const GROUPS: readonly Column[] = [
  { title: 'Count', right: true },
  { title: '15 min', right: true },
  { title: 'Last', right: true },
  { title: 'Code' },
  { title: 'Command', flexible: true },
  { title: 'Message', flexible: true },
];

const groupTable = (groups: NonNullable<ErrorsView['groups']>, look: Look): string =>
  table(
    GROUPS,
    groups.map(({ count, per_minute, last_seen, code, pool, command, message }): Cell[] => [
      figure(count),
      figure(per_minute?.reduce((sum, each) => sum + each, 0)),
      since(last_seen, look.now),
      code ?? '?',
      where(pool, command),
      message ?? '',
    ]),
    look,
  );

const ERRORS: readonly Column[] = [
  { title: 'Id' },
  { title: 'Ago', right: true },
  { title: 'Code' },
  { title: 'Command', flexible: true },
  { title: 'Message', flexible: true },
];

const errorTable = (errors: readonly ErrorLineView[], look: Look): string =>
  table(
    ERRORS,
    errors.map(({ id, timestamp, code, pool, command, message }): Cell[] => [
      id ?? '?',
      since(timestamp, look.now),
      code ?? '?',
      where(pool, command),
      message ?? '',
    ]),
    look,
  );

/** `predict` of the default pool, `other/predict` elsewhere: most have one pool only. */
export const where = (pool: Text | undefined, command: Text | undefined): string => {
  const name = command ?? '-';
  return pool == null || pool === 'default' ? name : `${pool}/${name}`;
};

const refusedNote = ({ quarantined = [] }: ErrorsView): string =>
  quarantined.length === 0
    ? ''
    : `\n\n${counted(quarantined.length, 'request')} refused for having killed workers: see \`snakepit status\`.`;
