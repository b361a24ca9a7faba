import { isDeepStrictEqual } from 'node:util';
import { type CriterionName, copyTree } from '../../../config/index.ts';
import { type CheckDefaults, type CheckState, DependencyCheck } from './check.ts';
import { type CheckFunction, type CheckOptions, checkRegistration } from './options.ts';

/** More than this many are no health checks any more, and each is a series of a metric. */
const MAX_CHECKS = 100;

const CANARY_MARGIN_MS = 500;

interface Canary {
  readonly options: CanaryOptions;
  readonly remove: () => void;
}

/** One entry of `health.canary`. */
export interface CanaryOptions {
  readonly command: string;
  readonly args: Record<string, unknown>;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly critical: boolean;
}

/** Makes the check that sends a request through a pool. */
export type MakeCanary = (pool: string, options: CanaryOptions) => CheckFunction;

/** Checks that ask something outside: those that were registered, and the canaries. */
export class Dependencies {
  readonly #checks = new Map<string, DependencyCheck>();
  readonly #canaries = new Map<string, Canary>();
  readonly #reserved: readonly CriterionName[];
  readonly #defaults: () => CheckDefaults;
  readonly #onResult: () => void;
  readonly #clean: (text: string) => string;

  constructor(init: {
    reserved: readonly CriterionName[];
    defaults: () => CheckDefaults;
    onResult: () => void;
    clean: (text: string) => string;
  }) {
    this.#clean = init.clean;
    this.#reserved = init.reserved;
    this.#defaults = init.defaults;
    this.#onResult = init.onResult;
  }

  /**
   * Adds a check and runs it for the first time.
   *
   * @returns takes it away again
   * @throws TypeError
   */
  register(name: string, fn: CheckFunction, options: CheckOptions): () => void {
    checkRegistration(name, fn, options, [...this.#reserved, ...this.#checks.keys()]);
    if (this.#checks.size >= MAX_CHECKS)
      throw new TypeError(
        `There are ${MAX_CHECKS} health checks already, which is all there may be; take away those that are not needed.`,
      );
    return this.#add(name, fn, { ...options });
  }

  /** Makes the canaries what the options say. Those that stay as they were go on undisturbed. */
  setCanaries(wanted: Readonly<Record<string, CanaryOptions>>, make: MakeCanary): void {
    for (const [pool, { options, remove }] of this.#canaries) {
      if (isDeepStrictEqual(options, wanted[pool])) continue;
      remove();
      this.#canaries.delete(pool);
    }
    for (const [pool, given] of Object.entries(wanted)) {
      if (this.#canaries.has(pool)) continue;
      // Options are changed in place: only a copy tells later that they were.
      const options = copyTree(given);
      const { intervalMs, timeoutMs, critical } = options;
      const remove = this.#add(canaryName(pool), make(pool, options), {
        intervalMs,
        // The request's own deadline comes first: its error says more.
        timeoutMs: timeoutMs + CANARY_MARGIN_MS,
        critical,
      });
      this.#canaries.set(pool, { options, remove });
    }
  }

  /** Tries a pool's canary now, where it has one. */
  tryCanary(pool: string): void {
    void this.#checks.get(canaryName(pool))?.run();
  }

  /**
   * Runs checks now, side by side; a run under way is joined. Resolves when all have ended or passed their deadlines.
   *
   * @throws TypeError on a name there is no check of
   */
  async run(names: readonly string[] = [...this.#checks.keys()]): Promise<void> {
    const chosen = names.map((name) => {
      const check = this.#checks.get(name);
      if (check !== undefined) return check;
      const known = [...this.#checks.keys()].join(', ') || 'none is registered';
      throw new TypeError(`There is no health check '${name}' that can be run; there are: ${known}.`);
    });
    await Promise.all(chosen.map((check) => check.run()));
  }

  /** @param at - the clock of durations */
  read(at: number): CheckState[] {
    return [...this.#checks.values()].map((check) => check.read(at));
  }

  /** The defaults may be others now. */
  reschedule(): void {
    for (const check of this.#checks.values()) check.schedule();
  }

  close(): void {
    for (const check of this.#checks.values()) check.close();
  }

  #add(name: string, fn: CheckFunction, options: CheckOptions): () => void {
    const check = new DependencyCheck({
      name,
      fn,
      options,
      defaults: this.#defaults,
      onResult: this.#onResult,
      clean: this.#clean,
    });
    this.#checks.set(name, check);
    return () => {
      check.close();
      if (this.#checks.get(name) === check) this.#checks.delete(name);
      this.#onResult();
    };
  }
}

const canaryName = (pool: string): string => `canary:${pool}`;
