import { resolveOptions } from '../../../src/config/index.ts';
import type { Pit } from '../../../src/core/index.ts';
import type { Worker } from '../../../src/core/worker.ts';
import type { EventBus, PoolSnapshot, SnakepitEvent } from '../../../src/events/index.ts';
import type { PoolOptions } from '../../../src/index.ts';
import { Runtime } from '../../../src/runtime.ts';
import { commandTable, type FakeContext } from '../../../src/testing/commands.ts';
import { crash, hang, type ManualClock } from '../../../src/testing/index.ts';
import { codecs } from '../../../src/transport/index.ts';
import type { Action, Ask } from './actions.ts';
import { Call } from './call.ts';
import { later, type StartPlan, Wire } from './wire.ts';

/** Chunks of every stream. */
export const CHUNKS = 5;

/** Short enough for everything to come to its end within a few seconds of a manual clock. */
export const WAITS = {
  timeoutMs: 3000,
  idleTimeoutMs: 1200,
  startTimeoutMs: 1500,
  restartDelayMs: 50,
  maxRestartDelayMs: 400,
  stableAfterMs: 2000,
  crashLoopCoolDownMs: 2500,
  poisonForMs: 4000,
  heartbeatIntervalMs: 500,
  stuckAfterMs: 2000,
  cancelGraceMs: 200,
  termTimeoutMs: 400,
  killTimeoutMs: 400,
} as const;

/** One pool of fake workers, everything that is done to it and everything that is seen of it. */
export class World {
  readonly calls: Call[] = [];
  readonly wires: Wire[] = [];
  readonly events: SnakepitEvent[] = [];
  /** The statuses every worker went through. */
  readonly lives = new Map<string, string[]>();
  /** Promises that must come to an end, by what they are. */
  readonly open = new Set<string>();
  readonly options: Partial<PoolOptions>;
  readonly #time: ManualClock;
  #plans: StartPlan[] = [];
  #runtime: Runtime | undefined;
  #promises = 0;
  #wanted: number | undefined;
  leastServing = Number.POSITIVE_INFINITY;
  closing = false;
  draining = false;

  constructor(time: ManualClock, options: Partial<PoolOptions>) {
    this.#time = time;
    this.options = options;
  }

  /** Does nothing when it was started before. */
  async start(more: Partial<PoolOptions> = {}): Promise<void> {
    if (this.#runtime !== undefined) return;
    const pools = { default: { app: 'fake', ...WAITS, ...this.options, ...more } };
    const options = { pools, logs: false, memoryGuard: false, metrics: { defaultMetrics: false } } as const;
    this.#runtime = await Runtime.start(resolveOptions(options), {
      guest: true,
      launcherOf:
        (_, { concurrency }) =>
        async (worker) =>
          this.#launch(worker, concurrency),
    });
    this.#bus.registerConsumer(
      'snakepit.**',
      { name: 'world', handle: (event) => this.#see(event) },
      { delivery: 'inline', sampled: false },
    );
    this.#pit.ready().catch(() => {});
  }

  get snapshot(): PoolSnapshot {
    return this.#pit.snapshot().pools.default as PoolSnapshot;
  }

  /** Workers there should be. */
  get wanted(): number {
    return this.#wanted ?? this.options.workers ?? 1;
  }

  /** Every slot has a worker that could take a request, and nothing else is going on. */
  get whole(): boolean {
    const { workers, workers_by_state, extra_workers, queue_depth } = this.snapshot;
    // A worker may still be at what is settled.
    const idle =
      queue_depth + extra_workers.length === 0 && workers.every(({ in_flight }) => in_flight === 0);
    // The end of a process that has ended may not have been seen yet.
    const alive = this.living.every((wire) => wire.process.alive);
    return idle && alive && this.open.size === 0 && workers_by_state.ready === this.wanted;
  }

  /** Keeps count, from now on, of the fewest workers that serve at any time. */
  watchServing(): void {
    const look = () => {
      const { ready, busy } = this.snapshot.workers_by_state;
      this.leastServing = Math.min(this.leastServing, ready + busy);
    };
    look();
    this.#bus.registerConsumer(
      'snakepit.worker.*',
      { name: 'serving', handle: look },
      { delivery: 'inline', sampled: false },
    );
  }

  /** Fake processes that live. */
  get living(): Wire[] {
    return this.wires.filter((wire) => wire.seen);
  }

  get #pit(): Pit {
    return (this.#runtime as Runtime).pit;
  }

  get #bus(): EventBus {
    return (this.#runtime as Runtime).bus;
  }

  async do(action: Action): Promise<void> {
    const pit = this.#pit;
    switch (action.do) {
      case 'call':
        for (let i = 0; i < action.times; i++) this.call(action.ask);
        break;
      case 'cancel':
        this.calls[action.which]?.caller.abort();
        break;
      case 'kill':
        this.#pick(action.which)?.kill(
          action.signal ? { code: null, signal: 'SIGSEGV' } : { code: 9, signal: null },
          action.death,
        );
        break;
      case 'hold': {
        const wire = this.#pick(action.which);
        if (wire !== undefined) wire.death = action.death;
        for (const direction of action.directions) wire?.hold(direction);
        break;
      }
      case 'thaw':
        this.#pick(action.which)?.thaw();
        break;
      case 'starts':
        this.#plans = [...action.plans];
        break;
      case 'recycle': {
        const wire = this.#pick(action.which);
        if (wire !== undefined) this.#promise('recycle', pit.recycleWorker(wire.id));
        break;
      }
      case 'roll':
        this.#promise('roll', pit.recyclePool('default'));
        break;
      case 'unquarantine':
        pit.unquarantine('default');
        break;
      case 'resize':
        this.#wanted = action.workers;
        await pit.resize('default', action.workers);
        break;
      case 'drain':
        this.draining = true;
        this.#promise('drain', pit.drain(action.withinMs));
        break;
      case 'close':
        this.close(action.drainMs);
        break;
    }
  }

  call(ask: Ask): Call {
    const call = new Call(`c${this.calls.length}`, ask);
    this.calls.push(call);
    call.make(this.#pit);
    return call;
  }

  /** Nothing is held up any more, and workers start as they should. */
  heal(): void {
    this.#plans = [];
    for (const wire of this.wires) wire.thaw();
  }

  close(drainMs: number): void {
    this.closing = true;
    this.#promise('close', (this.#runtime as Runtime).close(drainMs));
  }

  /** Moves time on in small steps until something holds. */
  async until(condition: () => boolean, atMostMs: number): Promise<boolean> {
    for (let passed = 0; passed < atMostMs && !condition(); passed += 100) await this.#time.advance(100);
    return condition();
  }

  #promise(what: string, promise: Promise<unknown>): void {
    const key = `${what} ${++this.#promises}`;
    this.open.add(key);
    promise.finally(() => this.open.delete(key)).catch(() => {});
  }

  #pick(which: number): Wire | undefined {
    const { living } = this;
    return living[which % Math.max(1, living.length)];
  }

  #launch(worker: Worker, concurrency: number): void {
    const plan = this.#plans.shift() ?? { kind: 'ok', afterMs: 0 };
    const life = [worker.status.kind as string];
    this.lives.set(worker.id, life);
    let { status } = worker;
    Object.defineProperty(worker, 'status', {
      get: () => status,
      set: (next: Worker['status']) => {
        status = next;
        life.push(next.kind);
      },
    });
    if (plan.kind === 'no_link') throw new Error('no socket could be made');
    const commands = commandTable({}, this.#commands);
    const { msgpack: codec } = codecs;
    const settings = { commands, onStart: undefined, concurrency, maxFrameBytes: 2 ** 20, codec };
    this.wires.push(new Wire(worker, settings, plan));
  }

  #see(event: SnakepitEvent): void {
    this.events.push(event);
    const { correlation_id: id, request_id } = event.metadata;
    if (request_id !== undefined) this.calls[Number(String(id).slice(1))]?.story.push(event);
  }

  #began({ correlationId }: FakeContext): void {
    (this.calls[Number(correlationId.slice(1))] as Call).begun++;
  }

  readonly #commands = {
    echo: ({ ms }: { ms: number }, context: FakeContext) => {
      this.#began(context);
      return ms;
    },
    sleep: async ({ ms }: { ms: number }, context: FakeContext) => {
      this.#began(context);
      await wait(ms, context);
      return ms;
    },
    fail: async ({ ms }: { ms: number }, context: FakeContext) => {
      this.#began(context);
      await wait(ms, context);
      throw new RangeError('wanted');
    },
    crash: async ({ ms }: { ms: number }, context: FakeContext) => {
      this.#began(context);
      await wait(ms, context);
      crash();
    },
    hang: (_: unknown, context: FakeContext) => {
      this.#began(context);
      hang();
    },
    freeze: (_: unknown, context: FakeContext) => {
      this.#began(context);
      hang({ heartbeats: false });
    },
    stream: async function* (this: World, { ms }: { ms: number }, context: FakeContext) {
      this.#began(context);
      for (let i = 0; i < CHUNKS; i++) {
        await wait(ms, context);
        yield i;
      }
    }.bind(this),
  };
}

/** Waits on the manual clock; given up with the request. */
const wait = async (ms: number, { signal }: FakeContext): Promise<void> => {
  if (ms === 0) return;
  await new Promise<void>((resolve) => {
    const stop = later(ms, resolve);
    signal.addEventListener('abort', stop);
  });
};
