/** How many of the latest requests are remembered, to see whether one is settled again. Bounded, since one scenario measures memory. */
const REMEMBERED = 20_000;

/**
 * Counts requests: what was sent, what its caller heard, and what the instance says of it. A promise cannot be settled twice, so that is
 * counted where it would show: in `request.completed`, which the core emits each time it settles a request.
 */
export class Tally {
  sent = 0;
  settled = 0;
  succeeded = 0;
  /** Answers that belong to another question. */
  wrong = 0;
  settledTwice = 0;
  /** Requests the instance reported as completed. */
  completed = 0;
  /** @type {Record<string, number>} */
  codes = {};
  #young = new Set();
  #old = new Set();

  attach(pit) {
    pit.bus.registerConsumer(
      'snakepit.request.completed',
      { name: 'chaos_tally', handle: ({ metadata }) => this.#completedOne(metadata.request_id) },
      { delivery: 'inline', sampled: false },
    );
  }

  /** Follows a promise of an answer. Resolves with whether it was a success; never rejects. */
  async follow(answer, isRight = () => true) {
    this.sent++;
    try {
      const value = await answer;
      this.succeeded++;
      if (!isRight(value)) this.wrong++;
      return true;
    } catch (error) {
      const code = error?.code ?? String(error);
      this.codes[code] = (this.codes[code] ?? 0) + 1;
      return false;
    } finally {
      this.settled++;
    }
  }

  #completedOne(id) {
    this.completed++;
    if (this.#young.has(id) || this.#old.has(id)) this.settledTwice++;
    this.#young.add(id);
    if (this.#young.size < REMEMBERED) return;
    this.#old = this.#young;
    this.#young = new Set();
  }
}
