import { setImmediate } from 'node:timers';
import { type Clock, type Timer, useClock } from '../events/index.ts';

/** A clock that a test moves. */
export interface ManualClock extends Disposable {
  /** What {@link ManualClock.install} puts in place of the system's clock. */
  readonly clock: Clock;
  /** Waits that are not over. */
  readonly pending: number;
  /** Epoch milliseconds, as this clock has it. */
  now(): number;
  /**
   * Moves time on. Whatever falls due is called at its own time, in order, and what follows from it by promises happens before time moves further.
   *
   * @param ms - how far; 0 or more. Milliseconds
   */
  advance(ms: number): Promise<void>;
  /**
   * Puts it in place of the system's clock.
   *
   * @returns puts the former one back
   */
  install(): () => void;
}

/** One wait. */
class Wait implements Timer {
  at: number;
  /** Of those due at the same time the first to be armed is called first. */
  order = 0;
  readonly #clock: Waits;

  constructor(
    clock: Waits,
    readonly ms: number,
    readonly repeats: boolean,
    readonly due: () => void,
  ) {
    this.#clock = clock;
    this.at = 0;
    clock.arm(this);
  }

  refresh(): void {
    if (this.order > 0) this.#clock.arm(this);
  }

  stop(): void {
    this.order = 0;
    this.#clock.all.delete(this);
  }
}

/** Every wait that is not over. There are few: they are looked through each time. */
class Waits {
  readonly all = new Set<Wait>();
  elapsed = 0;
  #armed = 0;

  arm(wait: Wait): void {
    wait.at = this.elapsed + wait.ms;
    wait.order = ++this.#armed;
    this.all.add(wait);
  }

  /** The next that is due up to a time. */
  next(until: number): Wait | undefined {
    let next: Wait | undefined;
    for (const wait of this.all) {
      if (wait.at > until) continue;
      if (next === undefined || wait.at < next.at || (wait.at === next.at && wait.order < next.order))
        next = wait;
    }
    return next;
  }

  fire(wait: Wait): void {
    this.elapsed = Math.max(this.elapsed, wait.at);
    if (wait.repeats) this.arm(wait);
    else this.all.delete(wait);
    wait.due();
  }
}

/** Lets everything happen that waits for no time: promises, and what `setImmediate` was given. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/**
 * Makes a clock that stands still until it is told to move, so that tests of deadlines, retries and replacements take no time and always go the same way.
 *
 * It is the clock of the whole process once installed: of every instance in it. Put it in before an instance is made and take it out after that is closed. It drives
 * what Snakepit does, with `createFakeSnakepit`; it cannot drive Python processes, nor `setTimeout`, `Date` or timers of your own.
 *
 * @param options - `startAt`: what time it is, epoch milliseconds. Default: now
 * @example
 * ```ts
 * const time = manualClock();
 * const restore = time.install();
 * const pit = await createFakeSnakepit({ commands: { predict: () => new Promise(() => {}) } });
 * const outcome = pit.execute('predict', {}, { timeoutMs: 60_000 }).catch((error) => error.code);
 * await time.advance(60_000);
 * console.log(await outcome); // 'timeout'
 * await pit.close();
 * restore();
 * ```
 */
export const manualClock = ({ startAt = Date.now() }: { readonly startAt?: number } = {}): ManualClock => {
  const waits = new Waits();
  // From where the system's stands: what was stamped before must not lie in the future.
  const origin = Math.ceil(performance.now());
  const restores: (() => void)[] = [];
  const wait = (ms: number, repeats: boolean, due: () => void) =>
    new Wait(waits, Math.max(1, ms), repeats, due);
  const clock: Clock = {
    monotonic: () => origin + waits.elapsed,
    wall: () => startAt + waits.elapsed,
    after: (ms, due) => wait(ms, false, due),
    every: (ms, due) => wait(ms, true, due),
  };
  return {
    clock,
    get pending() {
      return waits.all.size;
    },
    now: clock.wall,
    advance: async (ms) => {
      if (!(ms >= 0)) throw new RangeError(`Time moves forward by 0 ms or more, got ${ms}.`);
      const until = waits.elapsed + ms;
      await settle();
      for (let next = waits.next(until); next !== undefined; next = waits.next(until)) {
        waits.fire(next);
        await settle();
      }
      waits.elapsed = Math.max(waits.elapsed, until);
    },
    install: () => {
      const restore = useClock(clock);
      restores.push(restore);
      return restore;
    },
    [Symbol.dispose]: () => {
      for (const restore of restores.splice(0).reverse()) restore();
    },
  };
};
