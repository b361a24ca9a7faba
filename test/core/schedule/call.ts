import type { Pit } from '../../../src/core/index.ts';
import { isSnakepitError, type SnakepitError } from '../../../src/errors/index.ts';
import { monotonic, type SnakepitEvent } from '../../../src/events/index.ts';
import type { Ask } from './actions.ts';

/** How a request ended for its caller. */
export type Outcome =
  | { readonly kind: 'result'; readonly value: unknown }
  /** The reader had enough of the stream. */
  | { readonly kind: 'left' }
  | { readonly kind: 'error'; readonly error: SnakepitError };

/** A request as its caller sees it, with what its worker and the events say of it. */
export class Call {
  readonly acceptedAt = monotonic();
  readonly outcomes: Outcome[] = [];
  readonly chunks: unknown[] = [];
  readonly story: SnakepitEvent[] = [];
  readonly caller = new AbortController();
  /** Times that a fake worker began it. */
  begun = 0;
  /** Times that one began it before its caller had the answer. */
  begunBefore = 0;
  settledAt = 0;

  constructor(
    readonly id: string,
    readonly ask: Ask,
  ) {}

  /** Settled, though its reader may not have looked yet. */
  get completed(): boolean {
    return this.story.at(-1)?.event_name === 'snakepit.request.completed';
  }

  make(pit: Pit): void {
    const { kind, ms, timeoutMs, idempotent, priority, fairnessKey } = this.ask;
    const options = {
      timeoutMs,
      idempotent,
      priority,
      fairnessKey,
      correlationId: this.id,
      signal: this.caller.signal,
    };
    const work =
      kind === 'stream'
        ? this.#read(pit.stream('stream', { ms }, options))
        : pit.execute(kind, { ms }, options).then((value): Outcome => ({ kind: 'result', value }));
    work.then(
      (outcome) => this.#end(outcome),
      (error) => {
        if (!isSnakepitError(error)) throw error;
        this.#end({ kind: 'error', error });
      },
    );
  }

  async #read(stream: AsyncIterable<unknown>): Promise<Outcome> {
    const { takes } = this.ask;
    if (takes === 0) await new Promise((resolve) => this.caller.signal.addEventListener('abort', resolve));
    for await (const chunk of stream) {
      this.chunks.push(chunk);
      if (this.chunks.length === takes) return { kind: 'left' };
    }
    return { kind: 'result', value: this.chunks.length };
  }

  #end(outcome: Outcome): void {
    this.outcomes.push(outcome);
    this.settledAt = monotonic();
    this.begunBefore = this.begun;
  }
}
