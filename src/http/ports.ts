import type { ControlPort } from '../core/port.ts';
import type { HealthStatus, LogLevel } from '../events/index.ts';

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
  /** Which pools serve, each by itself: whether readiness needs them does not matter. Without it the pools are no gRPC services. */
  poolsReady?(): Readonly<Record<string, boolean>>;
  /** Everything, as `/health/detailed` shows it. */
  getDetailedHealth(): HealthReport;
  workers(): readonly unknown[];
  /** Which interpreter each pool runs and why it was chosen. */
  python(): unknown;
  /** What became of the events, and the sampling and limits they are under. Without it `/health/telemetry` is not served. */
  telemetry?(): unknown;
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

/** Which events a viewer wants. What is left out does not matter. */
export interface EventFilter {
  /** Names or patterns; one of them must match. */
  readonly patterns?: readonly string[] | undefined;
  readonly pool?: string | undefined;
  readonly command?: string | undefined;
  readonly correlationId?: string | undefined;
  readonly requestId?: string | undefined;
  /** The least that passes. */
  readonly level?: LogLevel | undefined;
}

/** One who looks at events as they come. */
export interface EventViewer {
  /** The next part of the stream, as server-sent events; undefined at its end. One call at a time. For reading only. */
  next(): Promise<Uint8Array | undefined>;
  /** A comment for a silent connection. */
  heartbeat(): Uint8Array;
  /** Looks no more. */
  close(): void;
}

/** The consumer of live events, as `/api/events` sees it. */
export interface LiveReader {
  readonly maxViewers: number;
  /** Lets somebody look, or says why not: `full`, or `ended` since all comes to its end. Patterns are well-formed. */
  watch(
    filter: EventFilter,
    options: {
      readonly lastEventId?: string | undefined;
      /** Epoch milliseconds. */
      readonly since?: number | undefined;
      readonly immediate?: boolean | undefined;
    },
  ): EventViewer | 'full' | 'ended';
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
