import { codeSpec, type ErrorCode, errorCodes, type RequestStatus } from '../../../errors/index.ts';
import type { ExitReason, Measurements } from '../../../events/index.ts';
import { UNKNOWN } from '../catalog.ts';
import type { BoundHistogram } from '../record/histogram.ts';
import type { RecordedFamilies } from '../record/recorded.ts';
import type { BoundCounter } from '../record/scalar.ts';
import { OTHER } from '../record/series.ts';

const keysOf = <T extends string>(words: Record<T, true>): readonly T[] => Object.keys(words) as T[];

// Records rather than lists: a word added to the type and not here does not compile.
const statuses = keysOf<RequestStatus>({
  success: true,
  failure: true,
  timeout: true,
  cancelled: true,
  rejected: true,
  crashed: true,
});
const exitReasons = keysOf<ExitReason>({
  stopped: true,
  recycled_age: true,
  recycled_requests: true,
  recycled_memory: true,
  reload: true,
  crashed: true,
  oom: true,
  stuck: true,
  start_failed: true,
});

/** Where the time of requests of one command is counted. */
export interface Durations {
  readonly total: BoundHistogram;
  readonly queue: BoundHistogram;
  readonly python: BoundHistogram;
  readonly cpu: BoundHistogram;
}

/** Where the rest of what requests of one command cost is counted. */
interface Costs {
  readonly serialise: BoundHistogram;
  readonly transport: BoundHistogram;
  readonly sent: BoundHistogram;
  readonly received: BoundHistogram;
}

const MEBIBYTE = 2 ** 20;

/** The series of one command in one pool. */
export class CommandSeries {
  readonly pool: PoolSeries;
  readonly success: BoundCounter;
  readonly retries: BoundCounter;
  readonly #families: RecordedFamilies;
  readonly #command: string;
  readonly #statuses = new Map<string, BoundCounter>();
  #durations: Durations | undefined;
  #chunks: BoundCounter | undefined;
  #slow: BoundCounter | undefined;
  #boundCosts: Costs | undefined;
  #peak: BoundHistogram | undefined;

  constructor(pool: PoolSeries, command: string, families: RecordedFamilies) {
    this.pool = pool;
    this.#families = families;
    this.#command = command;
    this.success = this.#bind('success');
    this.retries = families.counter('snakepit_request_retries_total').bind(pool.name, command);
    // A failure counter that first appears at 1 has no rate: the step to it is lost. So all begin at zero, as long as there is room.
    if (families.counter('snakepit_requests_total').roomy) {
      for (const status of statuses) this.status(status);
    }
  }

  /** The counter of a status, or undefined if there is no such status. */
  status(status: string): BoundCounter | undefined {
    const known = this.#statuses.get(status);
    if (known !== undefined) return known;
    return statuses.some((word) => word === status) ? this.#bind(status) : undefined;
  }

  get durations(): Durations {
    if (this.#durations !== undefined) return this.#durations;
    this.#durations = {
      total: this.#histogram('snakepit_request_duration_seconds'),
      queue: this.#histogram('snakepit_request_queue_wait_seconds'),
      python: this.#histogram('snakepit_request_python_seconds'),
      cpu: this.#histogram('snakepit_request_python_cpu_seconds'),
    };
    return this.#durations;
  }

  get slow(): BoundCounter {
    this.#slow ??= this.#families.counter('snakepit_requests_slow_total').bind(this.pool.name, this.#command);
    return this.#slow;
  }

  /** Takes what a request cost beside its time in Python. Returns whether all of it could be taken. */
  receipt(of: Measurements<'snakepit.request.completed'>): boolean {
    const { serialise, transport, sent, received } = this.#costs;
    let taken = serialise.observe(of.serialise_ms / 1000);
    taken = transport.observe(of.transport_ms / 1000) && taken;
    taken = sent.observe(of.bytes_in) && taken;
    if (of.bytes_out !== 0) taken = received.observe(of.bytes_out) && taken;
    if (of.peak_rss_mb !== undefined) {
      this.#peak ??= this.#histogram('snakepit_request_peak_memory_bytes');
      taken = this.#peak.observe(of.peak_rss_mb * MEBIBYTE) && taken;
    }
    return taken;
  }

  get #costs(): Costs {
    this.#boundCosts ??= {
      serialise: this.#histogram('snakepit_request_serialise_seconds'),
      transport: this.#histogram('snakepit_request_transport_seconds'),
      sent: this.#histogram('snakepit_request_size_bytes'),
      received: this.#histogram('snakepit_response_size_bytes'),
    };
    return this.#boundCosts;
  }

  #histogram(name: Parameters<RecordedFamilies['histogram']>[0]): BoundHistogram {
    return this.#families.histogram(name).bind(this.pool.name, this.#command);
  }

  get chunks(): BoundCounter {
    this.#chunks ??= this.#families
      .counter('snakepit_stream_chunks_total')
      .bind(this.pool.name, this.#command);
    return this.#chunks;
  }

  #bind(status: string): BoundCounter {
    const bound = this.#families
      .counter('snakepit_requests_total')
      .bind(this.pool.name, this.#command, status);
    this.#statuses.set(status, bound);
    return bound;
  }
}

/** The series of one pool. */
export class PoolSeries {
  readonly name: string;
  readonly #families: RecordedFamilies;
  readonly #limit: number;
  readonly #commands = new Map<string, CommandSeries>();
  readonly #errors = new Map<string, BoundCounter>();
  readonly #grpc = new Map<string, BoundCounter>();

  constructor(name: string, families: RecordedFamilies, limit: number) {
    this.name = name;
    this.#families = families;
    this.#limit = limit;
  }

  /** The series of a command that has been seen before. */
  known(command: string): CommandSeries | undefined {
    return this.#commands.get(command);
  }

  /** The series of a command, made on first use. Past the limit all commands share one entry, as they share one series. */
  command(command: string): CommandSeries {
    const name = this.#commands.size < this.#limit || this.#commands.has(command) ? command : OTHER;
    let series = this.#commands.get(name);
    if (series === undefined) {
      series = new CommandSeries(this, name, this.#families);
      this.#commands.set(name, series);
    }
    return series;
  }

  /** The counter of an error code; one the table does not have counts as `(unknown)`. */
  error(code: string | undefined): BoundCounter {
    const known = code !== undefined && Object.hasOwn(errorCodes, code) ? (code as ErrorCode) : undefined;
    const key = known ?? UNKNOWN;
    let series = this.#errors.get(key);
    if (series === undefined) {
      const category = known === undefined ? UNKNOWN : codeSpec(known).category;
      series = this.#families.counter('snakepit_errors_total').bind(this.name, category, key);
      this.#errors.set(key, series);
    }
    return series;
  }

  /** The counter of a status of gRPC, of which there are few. */
  grpc(code: string): BoundCounter {
    let series = this.#grpc.get(code);
    if (series === undefined) {
      series = this.#families.counter('snakepit_grpc_responses_total').bind(this.name, code);
      this.#grpc.set(code, series);
    }
    return series;
  }

  /** Begins at zero what is known to be possible in a pool, so that the first step has a rate. */
  zero(commands: readonly string[]): void {
    const starts = this.#families.counter('snakepit_worker_starts_total');
    const exits = this.#families.counter('snakepit_worker_exits_total');
    const errors = this.#families.counter('snakepit_errors_total');
    const requests = this.#families.counter('snakepit_requests_total');
    for (const result of ['ok', 'failed']) if (starts.roomy) starts.row([this.name, result]);
    for (const reason of exitReasons) if (exits.roomy) exits.row([this.name, reason]);
    for (const code of Object.keys(errorCodes)) {
      if (code !== 'unknown_pool' && errors.roomy) this.error(code);
    }
    for (const command of commands) {
      if (requests.roomy) this.command(command);
    }
  }
}
