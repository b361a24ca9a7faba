import type {
  CataloguedEvent,
  EventName,
  SnakepitEvent,
  Snapshot,
  Snapshotter,
} from '../../../events/index.ts';
import { UNKNOWN } from '../catalog.ts';
import type { RecordedFamilies } from '../record/recorded.ts';
import { OTHER } from '../record/series.ts';
import { CommandLabels } from './commands.ts';
import { type CommandSeries, PoolSeries } from './series.ts';

type Handlers = { readonly [N in EventName]?: (event: CataloguedEvent<N>) => boolean };

/** The statuses that calls of workers end with; others appear when they do. */
const GRPC_CODES = [
  ...['OK', 'CANCELLED', 'UNKNOWN', 'INVALID_ARGUMENT', 'DEADLINE_EXCEEDED'],
  ...['RESOURCE_EXHAUSTED', 'UNIMPLEMENTED', 'UNAVAILABLE'],
];

const COMPLETED = 'snakepit.request.completed';

/** Turns events into counts. It is called inside the emit of every event it asks for, so the frequent ones go straight to bound series. */
export class Feed {
  readonly #families: RecordedFamilies;
  readonly #limit: number;
  readonly #malformed: () => void;
  readonly #commands: CommandLabels;
  readonly #pools = new Map<string, PoolSeries>();
  readonly #handlers: ReadonlyMap<string, (event: never) => boolean>;

  /**
   * @param limit - pools, and commands of each, kept apart before they share `(other)`
   * @param malformed - called for an event that lacks what is counted
   */
  constructor(families: RecordedFamilies, snapshot: Snapshotter, limit: number, malformed: () => void) {
    this.#families = families;
    this.#limit = limit;
    this.#malformed = malformed;
    this.#commands = new CommandLabels(snapshot);
    this.#handlers = new Map(Object.entries(this.#handlersByName()));
  }

  /** The events that are counted; all others need not be delivered. */
  get wanted(): readonly string[] {
    return [...this.#handlers.keys()];
  }

  handle(event: SnakepitEvent): void {
    const taken =
      event.event_name === COMPLETED
        ? this.#completed(event as unknown as CataloguedEvent<typeof COMPLETED>)
        : this.#handlers.get(event.event_name)?.(event as never);
    if (taken === false) this.#malformed();
  }

  /** Begins at zero what the pools of a snapshot can count. */
  zero({ pools }: Snapshot): void {
    for (const { name, commands, transport } of Object.values(pools)) {
      const pool = this.#pool(name);
      pool.zero(commands.map((command) => command.name));
      if (transport === 'grpc') for (const code of GRPC_CODES) pool.grpc(code);
    }
  }

  #handlersByName(): Handlers {
    const families = this.#families;
    const starts = families.counter('snakepit_worker_starts_total');
    const exits = families.counter('snakepit_worker_exits_total');
    const missed = families.counter('snakepit_worker_heartbeats_missed_total');
    const startup = families.histogram('snakepit_worker_startup_seconds');
    const firstChunk = families.histogram('snakepit_stream_first_chunk_seconds');
    const ended = families.counter('snakepit_sessions_ended_total');
    const store = families.histogram('snakepit_session_store_seconds');
    return {
      [COMPLETED]: (event) => this.#completed(event),
      'snakepit.session.expired': () => ended.add(ended.row(['expired']), 1),
      'snakepit.session.deleted': ({ metadata }) => ended.add(ended.row([nameOr(metadata.reason)]), 1),
      'snakepit.session.accessed': ({ measurements: { store_ms: ms }, metadata }) =>
        ms === undefined || store.observe(store.row([nameOr(metadata.op)]), ms / 1000),
      'snakepit.stream.chunk': ({ metadata }) => this.#series(metadata).chunks.add(1),
      'snakepit.stream.closed': ({ measurements: { first_chunk_ms: ms }, metadata }) => {
        if (ms === undefined) return true;
        const { pool_name, command } = metadata;
        return firstChunk.observe(firstChunk.row([nameOr(pool_name), nameOr(command)]), ms / 1000, metadata);
      },
      'snakepit.worker.started': ({ measurements, metadata }) => {
        const pool = nameOr(metadata.pool_name);
        this.#commands.forget(pool);
        starts.add(starts.row([pool, 'ok']), 1);
        return startup.observe(startup.row([pool]), measurements.startup_ms / 1000);
      },
      'snakepit.worker.start_failed': ({ metadata }) => {
        const pool = nameOr(metadata.pool_name);
        starts.add(starts.row([pool, 'failed']), 1);
        exits.add(exits.row([pool, 'start_failed']), 1);
        return this.#pool(pool).error(metadata.code).add(1);
      },
      'snakepit.worker.stopped': ({ metadata }) =>
        exits.add(exits.row([nameOr(metadata.pool_name), 'stopped']), 1),
      'snakepit.worker.heartbeat_missed': ({ metadata }) =>
        missed.add(missed.row([nameOr(metadata.pool_name)]), 1),
      'snakepit.request.slow': ({ metadata }) => this.#series(metadata).slow.add(1),
      'snakepit.worker.recycled': ({ metadata }) =>
        exits.add(exits.row([nameOr(metadata.pool_name), nameOr(metadata.reason)]), 1),
      'snakepit.worker.crashed': ({ metadata }) => {
        const pool = nameOr(metadata.pool_name);
        exits.add(exits.row([pool, nameOr(metadata.reason)]), 1);
        return this.#pool(pool).error(metadata.code).add(1);
      },
    };
  }

  #completed({ measurements, metadata }: CataloguedEvent<typeof COMPLETED>): boolean {
    const { status, attempts, grpc_code } = metadata;
    const series = this.#series(metadata);
    const counter = status === 'success' ? series.success : series.status(status);
    if (counter === undefined) return false;
    counter.add(1, metadata);
    if (status !== 'success') series.pool.error(metadata.code).add(1, metadata);
    if (typeof grpc_code === 'string') series.pool.grpc(grpc_code).add(1);
    if (attempts > 1) series.retries.add(attempts - 1);
    if (status === 'rejected') return true;
    const { total, queue, python, cpu } = series.durations;
    const { python_ms, python_cpu_ms, bytes_in } = measurements;
    let taken = total.observe(measurements.duration_ms / 1000, metadata);
    taken = queue.observe(measurements.queue_time_ms / 1000, metadata) && taken;
    // Zero means that nobody measured: a worker that died, a request that never started.
    if (python_ms !== 0) taken = python.observe(python_ms / 1000, metadata) && taken;
    if (python_cpu_ms !== 0) taken = cpu.observe(python_cpu_ms / 1000, metadata) && taken;
    // What was never sent has no size.
    if (bytes_in !== 0) taken = series.receipt(measurements) && taken;
    return taken;
  }

  /** The series of a request: two look-ups when both its pool and its command have been seen and nothing went wrong. */
  #series(of: RequestFields): CommandSeries {
    const known =
      of.code === undefined || (of.code !== 'unknown_command' && of.code !== 'unknown_pool')
        ? this.#pools.get(of.pool_name as string)?.known(of.command as string)
        : undefined;
    return known ?? this.#seriesOfNew(of);
  }

  #seriesOfNew({ pool_name, command, code, attempts }: RequestFields): CommandSeries {
    if (code === 'unknown_pool') return this.#pool(UNKNOWN).command(UNKNOWN);
    const pool = nameOr(pool_name);
    if (code === 'unknown_command') return this.#pool(pool).command(UNKNOWN);
    const name = nameOr(command);
    // What a worker has started, or a chunk that came from one, is a command for sure.
    const proven = code === undefined || (attempts ?? 0) > 0;
    return this.#pool(pool).command(proven ? name : this.#commands.label(pool, name));
  }

  #pool(asked: string): PoolSeries {
    const name = this.#pools.size < this.#limit || this.#pools.has(asked) ? asked : OTHER;
    let pool = this.#pools.get(name);
    if (pool === undefined) {
      pool = new PoolSeries(name, this.#families, this.#limit);
      this.#pools.set(name, pool);
    }
    return pool;
  }
}

interface RequestFields {
  readonly pool_name?: string | undefined;
  readonly command?: string | undefined;
  readonly code?: string | undefined;
  readonly attempts?: number;
}

/** Anyone can emit an event of this name, with anything in it. */
const nameOr = (name: unknown): string => (typeof name === 'string' ? name : UNKNOWN);
