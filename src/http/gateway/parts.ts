import type { Context } from 'hono';
import type { ResolvedOptions } from '../../config/index.ts';
import type { ControlPort } from '../../core/port.ts';
import type { OutgoingSanitizer, ReportBug } from '../ports.ts';
import type { PoolLimits } from './call-options.ts';

/** The log, as the gateway uses it. */
export interface RequestLog {
  /** Logs everything about the requests of one correlation id. */
  logRequest(correlationId: string, options: { readonly forMs: number }): unknown;
  /** A header that asked for it was of no use; why. */
  refusedHeader(why: string): void;
}

/** What the gateway is made from. */
export interface GatewayParts {
  readonly port: ControlPort;
  readonly options: Omit<ResolvedOptions['gateway'], 'port'>;
  /** The resolved pools, for their `maxTimeoutMs`. */
  readonly pools: PoolLimits;
  /** For what problems tell. Default: they tell it as it is. */
  readonly sanitizer?: Pick<OutgoingSanitizer, 'text'> | undefined;
  /** The log, for callers who ask that all of a request be logged. Default: nobody can. */
  readonly log?: RequestLog | undefined;
  readonly reportBug?: ReportBug | undefined;
  /** Silence on an event stream after which a comment is sent. Default: 15000. */
  readonly commentEveryMs?: number | undefined;
}

/** What the guard finds out about a request. */
export interface GatewayEnv {
  Variables: {
    correlationId: string;
    /** Whether the caller may see tracebacks: local, or with the token. */
    detailed: boolean;
  };
}

export type GatewayContext = Context<GatewayEnv>;
