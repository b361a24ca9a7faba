import type { WorkerLink } from '../transport/index.ts';

/**
 * Whether a worker answers. Heartbeats are answered by a Python thread of their own, on a connection of their own: only C code that holds the
 * GIL, a stopped process or a dead one keep it silent.
 */
export class Pulse {
  /** Heartbeats in a row without an answer. */
  missed = 0;
  /** When it was last heard; 0 before its first word. */
  heardAt = 0;
  /** The stack that was taken in this silence. */
  stack: string | undefined;
  #seq = 0;
  #open = false;

  /** Asks, unless the last question is still open. */
  beat(link: WorkerLink): void {
    if (this.#open) return;
    this.#open = true;
    link.ping(++this.#seq);
  }

  /** Whether the last question is still open. */
  get open(): boolean {
    return this.#open;
  }

  get silent(): boolean {
    return this.missed > 0;
  }

  /** Anything the control thread sends proves as much as the answer itself. Returns whether it was silent before. */
  heard(now: number): boolean {
    const was = this.silent;
    this.heardAt = now;
    this.#open = false;
    this.missed = 0;
    this.stack = undefined;
    return was;
  }
}
