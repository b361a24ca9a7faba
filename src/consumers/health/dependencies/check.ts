import { after, monotonic, now, type Timer } from '../../../events/index.ts';
import type { DependencyRow } from '../types.ts';
import { seconds } from '../verdict.ts';
import { type FailureReason, type Outcome, outcomeOf, thrown } from './answer.ts';
import type { CheckFunction, CheckOptions } from './options.ts';

/** Runs that outlived their deadline and have not ended. With so many none is begun: each may hold a connection. */
const MAX_UNENDED = 3;

/** Deadline and pauses where a check has none of its own. */
export interface CheckDefaults {
  readonly timeoutMs: number;
  readonly intervalMs: number;
  readonly maxAgeMs: number;
}

interface Result extends Outcome {
  readonly latencyMs: number;
  /** The clock of durations. */
  readonly at: number;
  /** Epoch milliseconds. */
  readonly wall: number;
}

/** Where a check stands. */
export interface CheckState {
  readonly row: DependencyRow;
  /** Set where it failed. */
  readonly reason: FailureReason | undefined;
  /** It has not ended a run yet. */
  readonly pending: boolean;
}

/**
 * One check that asks something outside: run in the background, its last result kept. Whoever asks gets that result at once, and an
 * error where it is too old to count.
 */
export class DependencyCheck {
  readonly name: string;
  readonly #fn: CheckFunction;
  readonly #options: CheckOptions;
  readonly #defaults: () => CheckDefaults;
  readonly #onResult: () => void;
  readonly #clean: (text: string) => string;
  #last: Result | undefined;
  #running: Promise<void> | undefined;
  #abort: AbortController | undefined;
  #unended = 0;
  #timer: Timer | undefined;
  #closed = false;

  constructor(init: {
    name: string;
    fn: CheckFunction;
    options: CheckOptions;
    defaults: () => CheckDefaults;
    onResult: () => void;
    /** Masks secrets: errors of clients like to tell whole connection strings. */
    clean: (text: string) => string;
  }) {
    this.name = init.name;
    this.#fn = init.fn;
    this.#options = init.options;
    this.#defaults = init.defaults;
    this.#onResult = init.onResult;
    this.#clean = init.clean;
    void this.run();
  }

  get critical(): boolean {
    return this.#options.critical === true;
  }

  /** Runs it, or joins the run under way. Never rejects. */
  run(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#timer?.stop();
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
      this.schedule();
    });
    return this.#running;
  }

  /** Waits for its next run anew: the interval may be another one now. */
  schedule(): void {
    if (this.#closed || this.#running !== undefined) return;
    this.#timer?.stop();
    this.#timer = after(this.#times().intervalMs, () => void this.run());
  }

  /** @param at - the clock of durations */
  read(at: number): CheckState {
    const last = this.#last;
    const base = { name: this.name, critical: this.critical };
    if (last === undefined) {
      const message = 'Not checked yet';
      const row = {
        ...base,
        status: 'warning',
        message,
        why: 'its first run has not ended',
        ...NO_RESULT,
      } as const;
      return { row, reason: undefined, pending: true };
    }
    const ageMs = at - last.at;
    const { maxAgeMs } = this.#times();
    const outcome = ageMs > maxAgeMs ? expired(ageMs, maxAgeMs) : last;
    const { status, message, why, remedy, reason } = outcome;
    const row: DependencyRow = {
      ...base,
      status,
      message,
      ...(why !== undefined && { why }),
      ...(remedy !== undefined && { remedy }),
      latency_ms: Math.round(last.latencyMs * 1000) / 1000,
      checked_at: new Date(last.wall).toISOString(),
      age_ms: Math.round(ageMs),
    };
    return { row, reason, pending: false };
  }

  close(): void {
    this.#closed = true;
    this.#timer?.stop();
    this.#abort?.abort(new Error('The health check was taken away.'));
  }

  #times(): CheckDefaults {
    const defaults = this.#defaults();
    const { timeoutMs = defaults.timeoutMs, intervalMs = defaults.intervalMs } = this.#options;
    const maxAgeMs = this.#options.maxAgeMs ?? Math.max(defaults.maxAgeMs, 2 * intervalMs + timeoutMs);
    return { timeoutMs, intervalMs, maxAgeMs };
  }

  async #run(): Promise<void> {
    const begun = monotonic();
    const outcome = this.#unended >= MAX_UNENDED ? stillHanging(this.#unended) : await this.#attempt();
    if (this.#closed) return;
    const at = monotonic();
    this.#last = { ...this.#cleaned(outcome), latencyMs: at - begun, at, wall: now() };
    this.#onResult();
  }

  #cleaned(outcome: Outcome): Outcome {
    const { message, why, remedy } = outcome;
    const clean = this.#clean;
    return {
      ...outcome,
      message: clean(message),
      why: why === undefined ? why : clean(why),
      remedy: remedy === undefined ? remedy : clean(remedy),
    };
  }

  /** The answer, or its absence at the deadline: then the run goes on by itself, and what becomes of it does not count. */
  #attempt(): Promise<Outcome> {
    const { timeoutMs } = this.#times();
    const abort = new AbortController();
    this.#abort = abort;
    return new Promise((settle) => {
      const deadline = after(timeoutMs, () =>
        abort.abort(new Error(`The health check '${this.name}' has passed its deadline of ${timeoutMs} ms.`)),
      );
      const give = () => {
        deadline.stop();
        settle(late(timeoutMs));
      };
      abort.signal.addEventListener('abort', give, { once: true });
      this.#unended++;
      const end = (outcome: Outcome) => {
        this.#unended--;
        deadline.stop();
        settle(outcome);
      };
      // Within `then`, so that what throws at once fails like what rejects.
      Promise.resolve()
        .then(() => this.#fn({ signal: abort.signal }))
        .then(
          (answer) => end(outcomeOf(answer)),
          (error) => end(thrown(error)),
        );
    });
  }
}

const NO_RESULT = {
  remedy: 'None needed; it runs.',
  latency_ms: null,
  checked_at: null,
  age_ms: null,
} as const;

const late = (timeoutMs: number): Outcome => ({
  status: 'error',
  message: `No answer in ${seconds(timeoutMs)}`,
  why: `the check did not end in its ${timeoutMs} ms`,
  remedy: 'What it asks hangs or is slow: mend that, or raise timeoutMs of the check.',
  reason: 'timeout',
});

const stillHanging = (runs: number): Outcome => ({
  status: 'error',
  message: `Not tried: ${runs} runs have not ended`,
  why: `${runs} runs outlived their deadline and still hang, so no more are begun`,
  remedy: 'Let the check heed the signal it is given, so that a run ends at its deadline.',
  reason: 'timeout',
});

const expired = (ageMs: number, maxAgeMs: number): Outcome => ({
  status: 'error',
  message: `The last result is ${seconds(ageMs)} old`,
  why: `a result counts for ${seconds(maxAgeMs)}, and none has come since`,
  remedy: 'The check could not be run in the background: see whether the process is blocked.',
  reason: 'expired',
});
