import type { Worker, WorkerHandle } from '../../../src/core/worker.ts';
import { after, type Timer } from '../../../src/events/index.ts';
import type { ProcessExit } from '../../../src/process/index.ts';
import { FakeProcess, type FakeSettings, type Host } from '../../../src/testing/fake-process.ts';
import { WorkerCrash } from '../../../src/testing/index.ts';
import type { Failure, WorkerLink, WorkerStats } from '../../../src/transport/index.ts';

/** How a start goes. */
export type StartPlan =
  | { readonly kind: 'ok'; readonly afterMs: number }
  | { readonly kind: 'fails' | 'dies'; readonly afterMs: number }
  | { readonly kind: 'never' }
  | { readonly kind: 'no_link' };

/** How the end of a process reaches the host. */
export interface DeathPlan {
  /** Whether answers that were under way still arrive. */
  readonly flush: boolean;
  /** Whether the exit is seen before the end of the connections. */
  readonly exitFirst: boolean;
  /** From the one to the other. */
  readonly gapMs: number;
}

/** What can be held up on its way. */
export type Direction = 'work' | 'control' | 'answers' | 'words';

/** Waits of the tests' own, so that they can be told from those of the core. */
export const ownTimers = new Set<Timer>();
export const later = (ms: number, due: () => void): (() => void) => {
  const timer = after(ms, () => {
    ownTimers.delete(timer);
    due();
  });
  ownTimers.add(timer);
  return () => {
    ownTimers.delete(timer);
    timer.stop();
  };
};

/**
 * The way between a worker and its fake process, with everything that can happen on it: what is sent is held up or lost, the process dies with answers unread, the exit and
 * the end of the connections come in either order.
 */
export class Wire implements Host {
  readonly id: string;
  readonly slot: number;
  readonly process: FakeProcess;
  death: DeathPlan = { flush: true, exitFirst: true, gapMs: 0 };
  /** Requests sent and not answered. */
  readonly unanswered = new Set<number>();
  /** The most there ever were. */
  most = 0;
  readonly #worker: Worker;
  readonly #held: Record<Direction, (() => void)[] | undefined> = {
    work: undefined,
    control: undefined,
    answers: undefined,
    words: undefined,
  };
  #closed = false;
  #exited = false;
  #stopDying = () => {};

  constructor(worker: Worker, settings: FakeSettings, plan: Exclude<StartPlan, { kind: 'no_link' }>) {
    this.#worker = worker;
    this.id = worker.id;
    this.slot = worker.slot;
    this.process = new FakeProcess(this, { ...settings, onStart: () => start(plan) });
    const link = this.#link();
    worker.attach(link, link);
    void this.process.start();
  }

  /** The host has not been told that it is gone. */
  get seen(): boolean {
    return !this.#exited || !this.#closed;
  }

  get worker(): Worker {
    return this.#worker;
  }

  hold(direction: Direction): void {
    this.#held[direction] ??= [];
  }

  thaw(): void {
    for (const direction of ['control', 'work', 'words', 'answers'] as const) {
      const held = this.#held[direction] ?? [];
      this.#held[direction] = undefined;
      for (const deliver of held) deliver();
    }
  }

  kill(exit: ProcessExit, death: DeathPlan): void {
    this.death = death;
    this.process.die(exit);
  }

  // To the host

  attach(): void {}
  introduced: Host['introduced'] = (worker) => this.#tell('words', () => this.#worker.introduced(worker));
  phase: Host['phase'] = (phase) => this.#tell('words', () => this.#worker.phase(phase));
  ready: Host['ready'] = (commands) => this.#tell('words', () => this.#worker.ready(commands));
  startFailed = (failure: Failure) => this.#tell('words', () => this.#worker.startFailed(failure));
  pong = () => this.#tell('words', () => this.#worker.pong());
  stack: Host['stack'] = (...stack) => this.#tell('words', () => this.#worker.stack(...stack));
  stats = (stats: WorkerStats) => this.#tell('words', () => this.#worker.stats(stats));
  line: Host['line'] = (stream, line) => this.#tell('answers', () => this.#worker.line(stream, line));
  event: Host['event'] = (...event) => this.#tell('answers', () => this.#worker.event(...event));
  log: Host['log'] = (...log) => this.#tell('answers', () => this.#worker.log(...log));
  chunk: Host['chunk'] = (...chunk) => this.#answer(undefined, () => this.#worker.chunk(...chunk));
  response: Host['response'] = (...response) =>
    this.#answer(response[0], () => this.#worker.response(...response));
  error: Host['error'] = (...error) => this.#answer(error[0], () => this.#worker.error(...error));

  recalled(ids: readonly number[]): void {
    this.#tell('words', () => {
      for (const id of ids) this.unanswered.delete(id);
      this.#worker.recalled(ids);
    });
  }

  /** The process has ended; its end of the link is closed by that. */
  exited(exit: ProcessExit): void {
    const { flush, exitFirst, gapMs } = this.death;
    const steps = [() => this.#exit(exit), () => this.#end(flush)];
    const [first, second] = (exitFirst ? steps : steps.toReversed()) as [() => void, () => void];
    first();
    if (gapMs === 0) second();
    else this.#stopDying = later(gapMs, second);
  }

  closed(): void {}

  /** The way to the process. */
  #link(): WorkerLink & WorkerHandle {
    const { process } = this;
    const work = (deliver: () => void) => this.#send('work', deliver);
    const control = (deliver: () => void) => this.#send('control', deliver);
    return {
      env: {},
      pid: undefined,
      request: (id, request) => {
        if (this.#worker.pulse.silent) throw new Error('a worker that does not answer was given a request');
        this.unanswered.add(id);
        this.most = Math.max(this.most, this.unanswered.size);
        work(() => process.request(id, request));
        return 100;
      },
      credit: (id, count) => work(() => process.credit(id, count)),
      cancel: (id) => control(() => process.cancel(id)),
      recall: (ids) => control(() => process.recall(ids)),
      ping: (seq) => control(() => process.ping(seq)),
      stack: (seq, ids) => control(() => process.stack(seq, ids)),
      stop: () => control(() => process.stop()),
      progress: () => process.progress(),
      takeLastStarted: () => process.takeLastStarted(),
      close: () => this.#end(false),
      dumpStacks: () => Promise.resolve(''),
      signal: (signal) => {
        if (signal === 'SIGKILL') later(1, () => process.die({ code: null, signal }));
        else control(() => process.stop());
      },
    };
  }

  #exit(exit: ProcessExit): void {
    this.#exited = true;
    this.#worker.exited(exit);
  }

  #end(flush: boolean): void {
    if (this.#closed) return;
    for (const direction of ['words', 'answers'] as const) {
      const held = this.#held[direction] ?? [];
      this.#held[direction] = undefined;
      if (flush) for (const deliver of held) deliver();
    }
    this.#closed = true;
    if (this.#exited) this.#stopDying();
    this.#worker.closed(undefined);
  }

  #send(direction: 'work' | 'control', deliver: () => void): void {
    const alive = () => {
      if (this.process.alive) deliver();
    };
    const held = this.#held[direction];
    if (held === undefined) alive();
    else held.push(alive);
  }

  #answer(id: number | undefined, deliver: () => boolean): boolean {
    this.#tell('answers', () => {
      if (id !== undefined) this.unanswered.delete(id);
      if (!deliver()) throw new Error(`worker ${this.id} answered what is not open`);
    });
    return true;
  }

  #tell(direction: 'answers' | 'words', deliver: () => void): void {
    if (this.#closed) return;
    const held = this.#held[direction];
    if (held === undefined) deliver();
    else held.push(deliver);
  }
}

const start = async (plan: Exclude<StartPlan, { kind: 'no_link' }>): Promise<void> => {
  if (plan.kind === 'never') return new Promise(() => {});
  if (plan.afterMs > 0) await new Promise<void>((resolve) => later(plan.afterMs, resolve));
  if (plan.kind === 'fails') throw new Error('cannot import');
  if (plan.kind === 'dies') throw new WorkerCrash({ code: 7 });
};
