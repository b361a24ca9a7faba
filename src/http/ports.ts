import type { ControlPort } from '../core/port.ts';
import type { HealthStatus } from '../events/index.ts';

/**
 * What the HTTP edge reads, as interfaces of its own: the edge depends on these shapes alone, and whoever composes the program passes
 * in the consumers that have them.
 */

/** The metrics consumer, as `/metrics` sees it. */
export interface MetricsReader {
  /**
   * Renders one scrape.
   *
   * @param accept - the request's `Accept` header, which decides between text, OpenMetrics and protobuf
   * @param signal - aborted when the client has gone away
   */
  render(accept: string | undefined, signal?: AbortSignal): Promise<Exposition>;
}

/** A rendered scrape. */
export interface Exposition {
  readonly contentType: string;
  /** The body in one. */
  readonly body: string | Uint8Array;
  /** The same in parts, to be sent one by one. */
  readonly slices?: readonly Uint8Array[];
}

/** One check and what it found. */
export interface HealthCheck {
  readonly name: string;
  readonly status: HealthStatus;
  readonly message: string;
  /** Why it is not ok. */
  readonly why?: string | undefined;
  /** What would mend it. */
  readonly remedy?: string | undefined;
}

/** Liveness or readiness. */
export interface HealthReport {
  readonly status: HealthStatus;
  readonly checks: readonly HealthCheck[];
  /** How full the pools are, beside the question whether they work. */
  readonly load?: unknown;
}

/** How far the first start of the workers has come. */
export interface StartupReport extends HealthReport {
  readonly started: boolean;
  /** Each worker with `phase`, `elapsed_ms` and `deadline_ms`. */
  readonly workers: readonly unknown[];
}

/** The health consumer, as the probes and `/health/*` see it. All answers come from memory; nothing here waits. */
export interface HealthReader {
  checkHealth(): HealthReport;
  checkReadiness(): HealthReport;
  startup(): StartupReport;
  /** Everything, as `/health/detailed` shows it. */
  getDetailedHealth(): HealthReport;
  workers(): readonly unknown[];
  /** Which interpreter each pool runs and why it was chosen. */
  python(): unknown;
}

/** Which errors or slow requests are asked for. What is left out does not matter. */
export interface ErrorFilter {
  /** Epoch milliseconds; that moment included. */
  readonly since?: number | undefined;
  readonly pool?: string | undefined;
  readonly command?: string | undefined;
  readonly workerSlot?: number | undefined;
  readonly code?: string | undefined;
  /** At most so many, the newest. */
  readonly limit?: number | undefined;
}

/** The errors consumer, as `/api/errors` and `/api/requests/slow` see it. All answers come from memory. */
export interface ErrorsReader {
  /** Errors, a line each, newest first, and their kinds. */
  list(filter: ErrorFilter): {
    readonly errors: readonly unknown[];
    readonly groups: readonly unknown[];
    readonly totals: unknown;
  };
  /** One error with everything that was preserved; undefined when it is not kept any more. */
  find(id: string): unknown;
  /** Slow requests, newest first. */
  slow(filter: ErrorFilter): { readonly requests: readonly unknown[]; readonly totals: unknown };
}

/** What the ops server reads of the core, and may have it do. */
export type OpsControl = Pick<
  ControlPort,
  'snapshot' | 'recycleWorker' | 'recyclePool' | 'stackOf' | 'unquarantine' | 'drain'
>;

/** What masks secrets in what Python said, before it leaves. */
export interface OutgoingSanitizer {
  text(text: string): string;
  /** A safe copy of a value. */
  document(value: unknown): unknown;
  /** Looks for fake secrets in what leaves, where that is switched on. */
  readonly canary?: { inspect(sink: string, text: string): void } | undefined;
}

/** What came of a change of the configuration. */
export interface ConfigChanged {
  readonly version: number;
  readonly applied: readonly string[];
  readonly restart_required: readonly string[];
  /** What changed, sanitized. */
  readonly changes: readonly unknown[];
}

/** The configuration in force, as `/api/config` reads and changes it. */
export interface ConfigControl {
  /** Of the configuration in force. */
  readonly version: number;
  /** Tells this process's versions from those of the one before it. */
  readonly instance: string;
  /** The configuration in force and where it comes from; sanitized. */
  view(): { readonly version: number };
  /**
   * @throws RestartOnlyError, VersionConflictError, SnakepitError `invalid_configuration`; nothing is changed then
   */
  apply(
    patch: unknown,
    who: 'http' | 'cli',
    settings: { readonly ifVersion?: number | undefined; readonly dryRun: boolean },
  ): ConfigChanged;
}

/** Told of errors that are bugs, not answers: the edge shows callers none of their insides, so somebody must log them. */
export type ReportBug = (error: unknown, request: { readonly method: string; readonly path: string }) => void;
