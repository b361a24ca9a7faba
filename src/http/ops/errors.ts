import type { ErrorFilter, ErrorsReader, OpsControl } from '../ports.ts';
import { Refusal } from '../problem.ts';
import { sendJson } from '../respond.ts';
import type { Read } from './endpoint.ts';
import { filterOf } from './filter.ts';

/** Requests that are refused for having killed workers, of all pools the filter lets through. */
const quarantined = (control: OpsControl | null, { pool, command }: ErrorFilter): readonly unknown[] => {
  if (control === null) return [];
  return Object.values(control.snapshot().pools)
    .filter(({ name }) => pool === undefined || name === pool)
    .flatMap(({ name, quarantined_requests }) => quarantined_requests.map((row) => ({ pool: name, ...row })))
    .filter((row) => command === undefined || row.command === command);
};

const isGone = (id: string): Refusal =>
  new Refusal(
    'not_found',
    `There is no error '${id.slice(0, 100)}': only the last ones are kept, and ids begin anew with each process. See /api/errors.`,
    { members: { title: 'No such error is kept.' } },
  );

/** The endpoints of the errors consumer. */
export const errorsReads = (errors: ErrorsReader, control: OpsControl | null): readonly Read[] => [
  {
    path: '/api/errors',
    link: 'errors',
    answer: (c) => {
      const filter = filterOf(c);
      const { errors: lines, groups, totals } = errors.list(filter);
      return sendJson(c, 200, { errors: lines, groups, quarantined: quarantined(control, filter), totals });
    },
  },
  {
    path: '/api/errors/{id}',
    answer: (c) => {
      const id = c.req.param('id') as string;
      const error = errors.find(id);
      if (error === undefined) throw isGone(id);
      return sendJson(c, 200, error);
    },
  },
  {
    path: '/api/requests/slow',
    link: 'slow',
    answer: (c) => sendJson(c, 200, errors.slow(filterOf(c))),
  },
];
