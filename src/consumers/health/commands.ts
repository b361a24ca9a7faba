import type { RequestStatus } from '../../errors/index.ts';
import { RollingWindow } from './window.ts';

const QUARTER_MS = 900_000;
/** Coarser than for the pool as a whole: there may be many commands. A step of the live page's history; 170 KB a command. */
const SLOT_MS = 5000;
/** Commands beyond this many of a pool are counted together. */
const MAX_COMMANDS = 50;

/** What stands for all commands past the limit. */
export const OTHER = '(other)';

/** Rolling statistics of each command of a pool, over a quarter of an hour in slots of five seconds. */
export class CommandWindows {
  readonly #windows = new Map<string, RollingWindow>();
  /** The one written last: with one command there is nothing to look up. */
  #name = '';
  #window: RollingWindow | undefined;

  /** Counts a settled request. Hot. A refused one makes no window: its command may be anybody's invention. */
  record(command: unknown, timestamp: number, status: RequestStatus, durationMs: number): void {
    if (command !== this.#name || this.#window === undefined) {
      if (typeof command !== 'string') return;
      const window = this.#windows.get(command) ?? (status === 'rejected' ? undefined : this.#open(command));
      if (window === undefined) return;
      this.#name = command;
      this.#window = window;
    }
    this.#window.record(timestamp, status, durationMs);
  }

  entries(): IterableIterator<[string, RollingWindow]> {
    return this.#windows.entries();
  }

  get(command: string): RollingWindow | undefined {
    return this.#windows.get(command);
  }

  #open(command: string): RollingWindow {
    const name = this.#windows.size < MAX_COMMANDS ? command : OTHER;
    const window = this.#windows.get(name) ?? new RollingWindow(QUARTER_MS, SLOT_MS);
    this.#windows.set(name, window);
    return window;
  }
}
