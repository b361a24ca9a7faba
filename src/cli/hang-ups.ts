import { closeSync, constants, openSync } from 'node:fs';

/** Whether this process has a terminal that is still there. */
const hasTerminal = (): boolean => {
  try {
    closeSync(openSync('/dev/tty', constants.O_RDONLY | constants.O_NONBLOCK | (constants.O_NOCTTY ?? 0)));
    return true;
  } catch {
    return false;
  }
};

/**
 * Listens for SIGHUP, one at a time; several that come while one is handled are one more. One that comes before anybody handles it is kept.
 *
 * The signal has two meanings: somebody wants the configuration read again, or the terminal is gone. Where there was a terminal and is none
 * any more, it is the second, and asks for the end as SIGTERM does.
 */
export class HangUps {
  readonly #hadTerminal: boolean;
  readonly #terminal: () => boolean;
  #handle: (() => Promise<unknown>) | undefined;
  #waiting = false;
  #busy = false;
  #lost = false;

  constructor(terminal = hasTerminal) {
    this.#terminal = terminal;
    this.#hadTerminal = terminal();
    process.on('SIGHUP', this.#received);
  }

  /** What is done on SIGHUP from now on. */
  handle(handle: () => Promise<unknown>): void {
    this.#handle = handle;
    void this.#work();
  }

  /**
   * Gives the signal back to Node, which ends the process by it. Where the terminal is gone that is done here: all is put away by now, and
   * at an ordinary exit Node would try to put the terminal back in order, and abort.
   */
  dispose(): void {
    process.off('SIGHUP', this.#received);
    if (this.#lost) process.kill(process.pid, 'SIGHUP');
  }

  readonly #received = (): void => {
    if (this.#hadTerminal && !this.#terminal()) {
      this.#lost = true;
      process.kill(process.pid, 'SIGTERM');
      return;
    }
    this.#waiting = true;
    void this.#work();
  };

  async #work(): Promise<void> {
    if (this.#busy || this.#handle === undefined) return;
    this.#busy = true;
    while (this.#waiting) {
      this.#waiting = false;
      await this.#handle();
    }
    this.#busy = false;
  }
}
