import { Histogram } from './histogram.mjs';

/** What the progress line looks back on. */
const RECENT_MS = 5000;

const COMPLETED = 'snakepit.request.completed';
const FAILURES = ['failed', 'timed_out', 'cancelled', 'rejected'].map((kind) => `snakepit.request.${kind}`);

/**
 * Counts what happens, from the events of the library: every request has exactly one `completed`, whoever made it, so what is asked
 * over HTTP is counted too.
 */
export class Tally {
  requests = 0;
  failed = 0;
  crashes = 0;
  restarts = 0;
  restartMs = 0;
  answered = new Histogram();
  /** Command → { requests, failed, answered }. */
  commands = new Map();
  /** Error code → { count, example }. */
  codes = new Map();
  #recent = [];
  #examples = new Map();
  #startedAt = performance.now();

  constructor(bus) {
    const count = (patterns, handle) =>
      bus.registerConsumer({ patterns }, { name: `tally_${patterns[0].split('.').at(-1)}`, handle });
    count([COMPLETED], (event) => this.#completed(event));
    // Comes before `completed` and brings the message.
    count(FAILURES, ({ metadata }) => this.#examples.set(metadata.code, metadata.message));
    count(['snakepit.worker.crashed'], () => this.crashes++);
    count(['snakepit.worker.restarted'], ({ measurements }) => {
      this.restarts++;
      this.restartMs += measurements.startup_ms;
    });
  }

  /** Figures of the last seconds: { perSecond, latencies }. */
  recent() {
    const now = performance.now();
    while (this.#recent.length > 0 && this.#recent[0].at < now - RECENT_MS) this.#recent.shift();
    const latencies = new Histogram();
    for (const { ms } of this.#recent) if (ms !== undefined) latencies.add(ms);
    const span = Math.min(RECENT_MS, Math.max(500, now - this.#startedAt));
    return { perSecond: (this.#recent.length / span) * 1000, latencies };
  }

  #completed({ measurements, metadata }) {
    const { success, code } = metadata;
    // A command that does not exist is whatever somebody typed: all of them share a row.
    const name = code === 'unknown_command' ? '(unknown)' : metadata.command;
    const row = this.commands.get(name) ?? { requests: 0, failed: 0, answered: new Histogram() };
    this.commands.set(name, row);
    this.requests++;
    row.requests++;
    if (success) {
      this.answered.add(measurements.duration_ms);
      row.answered.add(measurements.duration_ms);
    } else {
      this.failed++;
      row.failed++;
      const known = this.codes.get(code);
      this.codes.set(code, { count: (known?.count ?? 0) + 1, example: this.#examples.get(code) ?? '' });
    }
    this.#recent.push({ at: performance.now(), ms: success ? measurements.duration_ms : undefined });
  }
}
