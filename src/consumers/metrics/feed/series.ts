import { codeSpec, type ErrorCode, errorCodes, type RequestStatus } from '../../../errors/index.ts';
import type { ExitReason } from '../../../events/index.ts';
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
const exitReasons = keysOf<ExitReason>({ stopped: true, crashed: true, start_failed: true, stuck: true });

/** Where the time of requests of one command is counted. */
export interface Durations {
  readonly total: BoundHistogram;
  readonly queue: BoundHistogram;
  readonly python: BoundHistogram;
  readonly cpu: BoundHistogram;
}

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
    const bind = (name: Parameters<RecordedFamilies['histogram']>[0]) =>
      this.#families.histogram(name).bind(this.pool.name, this.#command);
    this.#durations = {
      total: bind('snakepit_request_duration_seconds'),
      queue: bind('snakepit_request_queue_wait_seconds'),
      python: bind('snakepit_request_python_seconds'),
      cpu: bind('snakepit_request_python_cpu_seconds'),
    };
    return this.#durations;
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
