/** Measures, for every death of a worker, how long its slot is without: until the next answer from it. */
export class Recovery {
  deaths = 0;
  /** Milliseconds. @type {number[]} */
  times = [];
  /** What struck each slot first since its last answer. */
  #struck = new Map();

  attach(pit) {
    pit.bus.registerConsumer(
      { patterns: ['snakepit.worker.crashed', 'snakepit.worker.start_failed', 'snakepit.request.completed'] },
      { name: 'chaos_recovery', handle: (event) => this.#handle(event) },
      { delivery: 'inline', sampled: false },
    );
  }

  /** A worker was struck from here: the time counts from the blow, not from when it is noticed. */
  struck({ slot, id }) {
    if (!this.#struck.has(slot)) this.#struck.set(slot, { at: performance.now(), worker: id });
  }

  #handle({ event_name: name, metadata }) {
    if (name === 'snakepit.worker.crashed') this.#died(metadata);
    else if (name === 'snakepit.worker.start_failed') this.deaths++;
    else this.#answered(metadata);
  }

  #died({ worker_slot: slot, worker_id: id }) {
    this.deaths++;
    this.struck({ slot, id });
  }

  #answered({ worker_slot: slot, worker_id: id, success }) {
    const blow = this.#struck.get(slot);
    // What the dead one had answered before is still read after the blow.
    if (!success || blow === undefined || blow.worker === id) return;
    this.#struck.delete(slot);
    this.times.push(performance.now() - blow.at);
  }
}
