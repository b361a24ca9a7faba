import type { HealthStatus } from '../../events/index.ts';
import type { HealthCheck, StatusChange } from './types.ts';

const KEPT = 50;

/** The last changes of status: of the whole and of each check. */
export class History {
  readonly #statuses = new Map<string, HealthStatus>();
  #changes: StatusChange[] = [];
  /** Changes since the start. */
  total = 0;

  /** Notes what has changed since the look before. A check seen for the first time has not changed. */
  note(at: number, checks: readonly HealthCheck[]): void {
    for (const { name, status, message, why } of checks) {
      const from = this.#statuses.get(name);
      this.#statuses.set(name, status);
      if (from !== undefined && from !== status)
        this.add(at, { check: name, from, to: status, why: why ?? message });
    }
    if (this.#statuses.size > checks.length) {
      const there = new Set(checks.map(({ name }) => name));
      for (const name of this.#statuses.keys()) if (!there.has(name)) this.#statuses.delete(name);
    }
  }

  add(at: number, change: Omit<StatusChange, 'at'>): void {
    this.total++;
    this.#changes.push({ at: new Date(at).toISOString(), ...change });
    if (this.#changes.length > KEPT) this.#changes = this.#changes.slice(-KEPT);
  }

  /** The newest first. */
  read(): StatusChange[] {
    return [...this.#changes].reverse();
  }
}
