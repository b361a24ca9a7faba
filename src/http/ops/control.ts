import type { Context } from 'hono';
import { isSnakepitError } from '../../errors/index.ts';
import { monotonic } from '../../events/index.ts';
import type { OpsControl, OutgoingSanitizer, ReportBug } from '../ports.ts';
import { isAnswer, Refusal } from '../problem.ts';
import { sendJson } from '../respond.ts';
import { malformed, readMembers } from './body.ts';
import type { Change } from './endpoint.ts';
import { badParameter, parametersOf } from './query.ts';

const DRAIN_MEMBERS = ['within_ms'];
/** The longest a timer can wait. Milliseconds. */
const MAX_WAIT = 2 ** 31 - 1;

const param = (c: Context, name: string) => c.req.param(name) as string;

/** `?wait=0` has the change begun and answered at once; otherwise the answer comes when it is done. */
const waitsFor = (c: Context): boolean => {
  const wait = parametersOf(c, ['wait']).get('wait') ?? '1';
  if (wait !== '0' && wait !== '1') throw badParameter('wait', wait, '0 or 1');
  return wait === '1';
};

/** There is no such worker: says which there are. */
const noWorker = (control: OpsControl, id: string): Refusal => {
  const workers = Object.values(control.snapshot().pools)
    .flatMap((pool) => [...pool.workers, ...pool.extra_workers])
    .flatMap((worker) => (worker.id === null ? [] : [worker.id]));
  return new Refusal(
    'not_found',
    `There is no worker '${id.slice(0, 100)}'. There are: ${workers.join(', ') || 'none'}.`,
    { members: { title: 'No worker has that id.', workers } },
  );
};

/** There is no such pool: says which there are. */
const noPool = (control: OpsControl, name: string): Refusal => {
  const pools = Object.keys(control.snapshot().pools);
  return new Refusal(
    'not_found',
    `There is no pool '${name.slice(0, 100)}'. There are: ${pools.join(', ')}.`,
    {
      members: { title: 'No pool of that name is configured.', pools },
    },
  );
};

/** Does something to a worker or a pool by its name. */
type Named = <T>(control: OpsControl, name: string, act: () => T | Promise<T>) => Promise<T>;

const named =
  (code: 'no_workers' | 'unknown_pool', refuse: typeof noWorker): Named =>
  async (control, name, act) => {
    try {
      return await act();
    } catch (error) {
      // Here it means the name in the path, and that is the caller's mistake.
      if (isSnakepitError(error) && error.code === code) throw refuse(control, name);
      throw error;
    }
  };

const onWorker = named('no_workers', noWorker);
const onPool = named('unknown_pool', noPool);

/** Answers with what a change has come to, or that it has begun. */
const answerWhenDone = async <T>(
  c: Context,
  wait: boolean,
  { work, subject, reportBug }: Begun<T>,
): Promise<Response> => {
  if (wait) return sendJson(c, 200, await work);
  // What cannot be begun at all, such as an unknown name, is known within a turn of the loop.
  await Promise.race([work, new Promise((resolve) => setImmediate(resolve))]);
  const { method, path } = c.req;
  work.catch((error) => isAnswer(error) || reportBug?.(error, { method, path }));
  return sendJson(c, 202, { ...subject, begun: true });
};

interface Begun<T> {
  readonly work: Promise<T>;
  /** What it is done to, for the answer that does not wait. */
  readonly subject: Readonly<Record<string, string>>;
  readonly reportBug: ReportBug | undefined;
}

const readWithin = async (c: Context): Promise<number | undefined> => {
  const { within_ms: within } = await readMembers(c.req.raw, DRAIN_MEMBERS);
  if (within === undefined) return undefined;
  if (typeof within === 'number' && within >= 0 && within <= MAX_WAIT) return within;
  throw malformed(
    `has within_ms ${JSON.stringify(within)?.slice(0, 100)}, which is no number of milliseconds from 0 to ${MAX_WAIT}`,
    DRAIN_MEMBERS,
  );
};

const drain = async (control: OpsControl, withinMs: number | undefined) => {
  const began = monotonic();
  const drained = await control.drain(withinMs);
  return { drained, took_ms: Math.round(monotonic() - began) };
};

/** The changes that the core can be asked for. */
export const controlChanges = (
  control: OpsControl,
  sanitizer: Pick<OutgoingSanitizer, 'document'>,
  reportBug: ReportBug | undefined,
): readonly Change[] => [
  {
    method: 'POST',
    path: '/api/workers/{id}/recycle',
    answer: (c) => {
      const wait = waitsFor(c);
      const worker_id = param(c, 'id');
      const work = onWorker(control, worker_id, () => control.recycleWorker(worker_id));
      return answerWhenDone(c, wait, { work, subject: { worker_id }, reportBug });
    },
  },
  {
    method: 'POST',
    path: '/api/workers/{id}/stack',
    answer: async (c) => {
      parametersOf(c, []);
      const id = param(c, 'id');
      // Stacks have lines of source, and those may hold secrets.
      return sendJson(c, 200, sanitizer.document(await onWorker(control, id, () => control.stackOf(id))));
    },
  },
  {
    method: 'POST',
    path: '/api/pools/{pool}/recycle',
    answer: (c) => {
      const wait = waitsFor(c);
      const pool = param(c, 'pool');
      const work = onPool(control, pool, async () => ({ pool, recycled: await control.recyclePool(pool) }));
      return answerWhenDone(c, wait, { work, subject: { pool }, reportBug });
    },
  },
  {
    method: 'POST',
    path: '/api/pools/{pool}/unquarantine',
    answer: async (c) => {
      parametersOf(c, []);
      const pool = param(c, 'pool');
      return sendJson(c, 200, await onPool(control, pool, () => ({ pool, ...control.unquarantine(pool) })));
    },
  },
  {
    method: 'POST',
    path: '/api/drain',
    answer: async (c) => {
      const wait = waitsFor(c);
      const within = await readWithin(c);
      return answerWhenDone(c, wait, { work: drain(control, within), subject: {}, reportBug });
    },
  },
];
