import type { WorkerExit } from '../../errors/index.ts';
import { plainLine } from '../show/plain.ts';
import { clock, counted, duration, momentOf } from '../show/units.ts';
import { type PoolView, poolsOf, type StateView, type WorkerView, workersOf } from './view.ts';

/** What keeps pools from working, a sentence or two each, with the way out. */
export const troublesOf = (state: StateView, now: number): readonly string[] =>
  poolsOf(state).flatMap(([name, pool]) => [
    ...crashLoop(name, pool, now),
    ...startError(name, pool),
    ...workersOf(pool).flatMap((worker) => quarantinedSlot(name, worker, now)),
    ...quarantinedRequests(name, pool),
    ...circuit(name, pool),
  ]);

const release = (pool: string) => `\`snakepit recycle --pool ${plainLine(pool)} --unquarantine\``;

const crashLoop = (name: string, { crash_loop }: PoolView, now: number): string[] => {
  if (crash_loop == null) return [];
  const { since, retry_in_ms, why } = crash_loop;
  const age = duration(now - (momentOf(since) ?? now));
  return [
    `Pool ${name} has been in a crash loop for ${age}: ${ended(why)} ` +
      `The next start is in ${duration(retry_in_ms)}; ${release(name)} does not wait for it.`,
  ];
};

const startError = (name: string, { start_error }: PoolView): string[] =>
  start_error == null
    ? []
    : [`Pool ${name} has no worker: the last start failed with ${ended(start_error.error_message)}`];

const quarantinedSlot = (name: string, worker: WorkerView, now: number): string[] => {
  if (worker.state !== 'quarantined') return [];
  const { slot, failures, quarantined_until, last_exit } = worker;
  const until = momentOf(quarantined_until ?? undefined);
  const again = until === undefined ? '' : `, and is tried again in ${duration(Math.max(0, until - now))}`;
  const row = failures === undefined ? 'too many workers' : `${counted(failures, 'worker')} in a row`;
  const last = last_exit == null ? '' : ` The last one ${ended(exitInWords(last_exit))}`;
  return [`Slot ${slot} of pool ${name} is quarantined: ${row} came to nothing in it${again}.${last}`];
};

const quarantinedRequests = (name: string, { quarantined_requests }: PoolView): string[] =>
  (quarantined_requests ?? []).map(
    ({ command, args_hash, deaths, until }) =>
      `Pool ${name} refuses ${command} with one set of arguments (${args_hash}) until ${clock(until)}: ` +
      `${counted(deaths, 'worker')} died with it. ${release(name)} lets it through.`,
  );

const circuit = (name: string, { circuit }: PoolView): string[] => {
  if (circuit === 'open')
    return [`The circuit breaker of pool ${name} is open: too many requests failed, and all are refused.`];
  return circuit === 'half_open'
    ? [
        `The circuit breaker of pool ${name} is half open: a few requests are let through to see how they fare.`,
      ]
    : [];
};

/** How a process ended, as the rest of a sentence. */
export const exitInWords = (exit: Partial<WorkerExit>): string => {
  const { code, signal, oom, oom_evidence, stderr_tail } = exit;
  const how = signal == null ? `ended with code ${code ?? '?'}` : `was ended by ${signal}`;
  const why = oom ? `, for want of memory${oom_evidence ? ` (${oom_evidence})` : ''}` : '';
  const last = stderr_tail?.at(-1);
  return `${how}${why}${last ? `, after saying: ${last}` : ''}`;
};

/** A sentence of somebody else's, on one line, with a full stop. */
const ended = (text: string): string => plainLine(text).replace(/[.]?$/, '.');
