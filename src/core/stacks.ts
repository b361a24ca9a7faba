import type { ResolvedPool } from '../config/index.ts';
import { monotonic } from '../events/index.ts';
import { parseStacks, renderStack } from '../process/index.ts';
import type { StackText } from '../transport/index.ts';
import type { WorkerStacks } from './port.ts';
import type { Request } from './request.ts';
import type { Worker } from './worker.ts';

/** What the control thread may take to answer. It needs the GIL, which a busy thread gives up every 5 ms. */
const ASK_MS = 100;
/** The same where somebody else asks it, and takes a signal where it does not answer. */
const ASK_OTHER_MS = 1500;

const patience = (worker: Worker): number => (worker.tellsStacksAlways ? ASK_OTHER_MS : ASK_MS);
const MINUTE_MS = 60_000;

/**
 * Takes Python stacks of requests while they run.
 *
 * The worker's control thread is asked first: it tells threads and suspended coroutines apart and disturbs nothing. Where it does not answer, since C
 * code holds the GIL or the process hangs, a signal has faulthandler write the stacks of all threads without the interpreter's help.
 */
export class Stacks {
  readonly #options: Pick<ResolvedPool, 'stackSignal' | 'maxStacksPerMinute'>;
  #spent = 0;
  #minute = Number.NEGATIVE_INFINITY;

  constructor(options: Pick<ResolvedPool, 'stackSignal' | 'maxStacksPerMinute'>) {
    this.#options = options;
  }

  /**
   * The stack of a running request; also kept with the request and its worker. Undefined when there is none, or too many were
   * taken in this minute: under overload everything is late, and looking must not make it worse.
   */
  async ofRequest(request: Request, worker: Worker): Promise<string | undefined> {
    if (!this.#afford()) return undefined;
    const stack = (await this.#ask(request, worker)) || (await this.#signal(request, worker));
    if (stack === undefined) return undefined;
    request.stack = stack;
    worker.vitals.lastStack = stack;
    return stack;
  }

  /** The stacks of a worker that is silent: the signal alone can tell. */
  async ofSilent(worker: Worker): Promise<string | undefined> {
    if (!this.#options.stackSignal || !this.#afford()) return undefined;
    const text = worker.tellsStacksAlways ? await toldBy(worker) : renderAll(await worker.dumpStacks());
    if (text === '') return undefined;
    worker.vitals.lastStack = text;
    return text;
  }

  /** Everything a worker can tell, for an operator who asks. Costs none of the budget. */
  async ofWorker(worker: Worker): Promise<WorkerStacks> {
    const began = monotonic();
    const requests = [...worker.load.open].filter((request) => request.startedAt > 0);
    const [all, own] = await Promise.all([
      worker.askStacks(null, patience(worker)),
      requests.length === 0 ? [] : worker.askStacks(requests, patience(worker)),
    ]);
    const asked = all !== undefined && all.length > 0;
    const dump = asked || !this.#options.stackSignal ? '' : await worker.dumpStacks();
    const threads = asked ? all.map(({ text }) => text).join('\n\n') : renderAll(dump);
    if (threads !== '') worker.vitals.lastStack = threads;
    const now = monotonic();
    return {
      worker_id: worker.id,
      pid: worker.pid ?? null,
      captured: captured(all, threads),
      took_ms: now - began,
      threads,
      requests: requests.map((request) => ({
        request_id: request.requestId,
        command: request.command,
        for_ms: now - request.startedAt,
        stack: own?.find(({ id }) => id === request.wireId)?.text ?? stackIn(dump, request, worker) ?? '',
      })),
    };
  }

  async #ask(request: Request, worker: Worker): Promise<string | undefined> {
    if (worker.pulse.silent && !worker.tellsStacksAlways) return undefined;
    const stacks = await worker.askStacks([request], patience(worker));
    return stacks?.find(({ id }) => id === request.wireId)?.text;
  }

  async #signal(request: Request, worker: Worker): Promise<string | undefined> {
    // It may have ended while we asked; then there is nothing to see, and a signal could only disturb the next one.
    if (!this.#options.stackSignal || !worker.alive || !worker.holds(request)) return undefined;
    return stackIn(await worker.dumpStacks(), request, worker);
  }

  #afford(): boolean {
    const now = monotonic();
    if (now - this.#minute >= MINUTE_MS) {
      this.#minute = now;
      this.#spent = 0;
    }
    return this.#spent++ < this.#options.maxStacksPerMinute;
  }
}

/** The section of a dump that belongs to a request: by the thread its worker noted for it. */
const stackIn = (dump: string, request: Request, worker: Worker): string | undefined => {
  const sections = parseStacks(dump);
  const thread = worker.threadOf(request);
  const section =
    thread === undefined
      ? sections.find(({ current }) => current)
      : sections.find((of) => BigInt(of.thread) === BigInt(thread));
  return section === undefined ? undefined : renderStack(section);
};

const captured = (all: readonly StackText[] | undefined, threads: string): WorkerStacks['captured'] => {
  if (threads === '') return 'none';
  const asked = all !== undefined && all.length > 0;
  return asked && !all.some(({ bySignal }) => bySignal) ? 'control_thread' : 'signal';
};

const toldBy = async (worker: Worker): Promise<string> =>
  ((await worker.askStacks(null, ASK_OTHER_MS)) ?? []).map(({ text }) => text).join('\n\n');

/** The main thread first, which `faulthandler` writes last: what is too long is cut at its end, and there are those of gRPC. */
const renderAll = (dump: string): string => parseStacks(dump).reverse().map(renderStack).join('\n\n');
