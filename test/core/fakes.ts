import { onTestFinished } from 'vitest';
import { type PoolOptions, poolSchema } from '../../src/config/pool-schema.ts';
import { KeepAlive } from '../../src/core/keepalive.ts';
import { Pool } from '../../src/core/pool.ts';
import { Request, type RequestInit } from '../../src/core/request.ts';
import { MemoryStore } from '../../src/core/session/memory-store.ts';
import { Sessions } from '../../src/core/session/sessions.ts';
import { Worker, type WorkerInit } from '../../src/core/worker.ts';
import {
  type Clock,
  EventBus,
  monotonic,
  type SnakepitEvent,
  type Timer,
  useClock,
} from '../../src/events/index.ts';
import type { OutgoingRequest } from '../../src/transport/index.ts';

/** A clock that stands until it is told to go on, for one test. */
export const manualClock = () => {
  let at = 1000;
  const timers = new Set<{ next: number; readonly every: number | undefined; readonly due: () => void }>();
  const start = (ms: number, due: () => void, every?: number): Timer => {
    const timer = { next: at + ms, every, due };
    timers.add(timer);
    return {
      refresh: () => {
        timer.next = at + ms;
      },
      stop: () => timers.delete(timer),
    };
  };
  const clock: Clock = {
    monotonic: () => at,
    wall: () => 1_700_000_000_000 + at,
    after: (ms, due) => start(ms, due),
    every: (ms, due) => start(ms, due, ms),
  };
  onTestFinished(useClock(clock));
  const earliest = () => [...timers].sort((a, b) => a.next - b.next)[0];
  return {
    now: () => at,
    /** How many timers run. */
    timers: () => timers.size,
    /** Lets time pass, with every timer that is due in between at its own moment. */
    forward: (ms: number) => {
      const end = at + ms;
      for (let timer = earliest(); timer !== undefined && timer.next <= end; timer = earliest()) {
        at = Math.max(at, timer.next);
        if (timer.every === undefined) timers.delete(timer);
        else timer.next += timer.every;
        timer.due();
      }
      at = end;
    },
  };
};

/** Lets everything that only waits for a promise happen. */
export const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

let lastRequest = 0;

const initOf = (over: Partial<RequestInit>): RequestInit => ({
  requestId: `r${++lastRequest}`,
  correlationId: 'c',
  traceparent: undefined,
  command: 'x',
  rawArgs: {},
  timeoutMs: 60_000,
  slowAfterMs: 60_000,
  idempotent: false,
  priority: 0,
  fairnessKey: undefined,
  acceptedAt: monotonic(),
  waiter: { resolve: () => {}, reject: () => {} },
  ...over,
});

/** A request for tests of what handles requests; `over` what they are about. */
export const fakeRequest = (over: Partial<RequestInit> = {}): Request => {
  const request = new Request(initOf(over));
  request.args = request.rawArgs;
  return request;
};

/** Sessions in memory. */
export const noSessions = (bus: EventBus): Sessions =>
  new Sessions(new MemoryStore({ ttlMs: 60_000, maxSessions: 100, evict: 'oldest' }), bus, () => 60_000);

/** What hears nothing. */
export const deaf: WorkerInit['listener'] = {
  statusChanged: () => {},
  parting: () => undefined,
  commandsKnown: () => {},
  began: () => {},
  answered: () => {},
  failed: () => {},
  released: () => {},
  chunk: () => {},
  roomier: () => {},
  recalled: () => {},
  measured: () => {},
  event: () => {},
  log: () => {},
  died: () => {},
};

/** A real worker without a process. */
export const loneWorker = (id = 'w1', concurrency = 1): Worker =>
  new Worker({
    id,
    slot: 0,
    origin: 'first',
    limits: { concurrency, maxPrefetch: 0, parked: { count: 0 } },
    listener: deaf,
  });

/** Readings with so much resident memory. */
export const stats = (rssBytes: number) => ({
  rssBytes,
  peakRssBytes: rssBytes,
  cpuSeconds: 1,
  threads: 1,
  openFds: 3,
  gcCollections: 0,
});

/** A worker of a {@link fakePool}: the test is its process. */
export class FakeProcess {
  readonly sent: { id: number; request: OutgoingRequest }[] = [];
  readonly signals: string[] = [];
  /** It was told to end. */
  stopped = false;

  constructor(readonly worker: Worker) {
    worker.attach(
      {
        env: {},
        request: (id, request) => {
          this.sent.push({ id, request });
          return 10;
        },
        credit: () => {},
        cancel: () => {},
        recall: () => {},
        ping: () => {},
        stack: () => {},
        progress: () => [],
        stop: () => {
          this.stopped = true;
        },
        close: () => {},
        takeLastStarted: () => [],
      },
      { pid: 1, signal: (signal) => this.signals.push(signal), dumpStacks: async () => '' },
    );
  }

  ready(): void {
    this.worker.ready([]);
  }

  /** Answers what it was sent last. */
  answer(): void {
    const { id } = this.sent.at(-1) ?? { id: 0 };
    this.worker.response(id, 'answer', 1, 1, 10, 0);
  }

  measure(rssBytes: number): void {
    this.worker.stats(stats(rssBytes));
  }

  end(code: number | null = 0, signal: NodeJS.Signals | null = null): void {
    this.worker.exited({ code, signal });
    this.worker.closed(undefined);
  }
}

/** A real pool whose processes are played by the test. */
export const fakePool = (options: Partial<PoolOptions> = {}) => {
  const bus = new EventBus();
  const events: SnakepitEvent[] = [];
  bus.registerConsumer(
    '**',
    { name: 'recorder', handle: (event) => void events.push(event) },
    { delivery: 'inline', sampled: false },
  );
  const processes: FakeProcess[] = [];
  const pool = new Pool({
    name: 'default',
    options: poolSchema.parse({ app: 'app.py', workers: 1, ...options }),
    launcher: async (worker) => {
      processes.push(new FakeProcess(worker));
    },
    oomEvidence: { born: () => {}, evidence: () => undefined },
    recycleOrder: 'start_first',
    bus,
    keepAlive: new KeepAlive(),
    sessions: noSessions(bus),
    maxSessions: () => 100,
    showArgs: [],
    shownConfig: {},
    facts: { transport: 'socket', pythonPath: '', pythonReason: '' },
  });
  const named = (name: string) => events.filter(({ event_name }) => event_name === name);
  /** Submits a request and tells how it ended. */
  const submit = (over: Partial<RequestInit> = {}) => {
    const outcome: { result?: unknown; error?: Error } = {};
    const waiter = {
      resolve: (result: unknown) => {
        outcome.result = result;
      },
      reject: (error: Error) => {
        outcome.error = error;
      },
    };
    const request = pool.submit(initOf({ ...over, waiter }));
    return { request, outcome };
  };
  return { pool, bus, events, named, processes, submit };
};
