/** What a scenario has found. Times are milliseconds, null where there were none. */
export interface Report {
  readonly name: string;
  readonly sent: number;
  readonly settled: number;
  readonly settled_twice: number;
  /** Requests that must not run twice and did. */
  readonly ran_twice: number;
  readonly succeeded: number;
  /** Failed requests by their code. */
  readonly failed: Readonly<Record<string, number>>;
  readonly deaths: number;
  readonly orphans: number;
  /** From the death of a worker to the next answer from its slot. */
  readonly recovery_ms: Times;
  /** From the death of the last worker, until readiness says no when asked. */
  readonly not_ready_ms: Times;
  /** The same over HTTP. */
  readonly not_ready_http_ms: Times;
  readonly facts: Readonly<Record<string, unknown>>;
  /** What must hold and does not, a sentence each. */
  readonly broken: readonly string[];
  readonly took_ms: number;
}

export interface Times {
  readonly count: number;
  readonly p50: number | null;
  readonly p99: number | null;
}

export interface Scenario {
  readonly name: string;
}

export const scenarios: readonly Scenario[];
export const runScenario: (
  scenario: Scenario,
  settings: { seed: number; python: string; long: boolean; rounds?: number; deaths?: number },
) => Promise<Report>;
export const table: (reports: readonly Report[]) => string;
