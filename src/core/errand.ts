import { after, type Timer } from '../events/index.ts';
import type { OutgoingRequest } from '../transport/index.ts';

/** A command of the runtime's own that a worker runs for its host. */
export class Errand implements OutgoingRequest {
  readonly command: string;
  readonly args: unknown;
  readonly tagged = false;
  readonly requestId = '';
  readonly correlationId = '';
  readonly traceparent = undefined;
  readonly streaming = false;
  readonly session = undefined;
  readonly #result: Promise<unknown>;
  #resolve!: (result: unknown) => void;
  #timer: Timer | undefined;

  constructor(command: string, args: Record<string, unknown>) {
    this.command = command;
    this.args = args;
    this.#result = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  /** The result; undefined when there is none in time. */
  done(withinMs: number): Promise<unknown> {
    this.#timer = after(withinMs, () => this.settle(undefined));
    return this.#result;
  }

  settle(result: unknown): void {
    this.#timer?.stop();
    this.#resolve(result);
  }
}
