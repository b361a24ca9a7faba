import type { PythonException } from '../../errors/index.ts';

/** The messages of proto/snakepit/v1/worker.proto as proto-loader makes them: names as in the file, `bytes` as Buffers, 64-bit numbers as numbers. A member of a `oneof` is absent when it is not the one. */

export interface HelloRequest {
  readonly protocols: readonly number[];
  readonly codecs: readonly string[];
  readonly pool_name: string;
  readonly worker_id: string;
  readonly worker_slot: number;
  readonly max_message_bytes: number;
  readonly stats_interval_ms: number;
  readonly max_session_bytes: number;
  readonly log_rate_per_second: number;
  readonly log_rate_burst: number;
}

export interface HelloReply {
  readonly protocol: number;
  readonly codec: string;
  readonly concurrency: number;
  readonly runtime: string;
  readonly python_version: string;
  readonly pid: number;
  readonly max_message_bytes: number;
  readonly exchange: boolean;
  readonly snapshots: boolean;
  readonly recall: boolean;
}

export interface ExecuteRequest {
  readonly command: string;
  readonly args: Uint8Array;
  readonly request_id: string;
  readonly correlation_id: string;
  readonly traceparent: string;
  readonly session?: { readonly id: string; readonly data: Uint8Array; readonly restore: Uint8Array };
  readonly serial: number;
}

export interface ExecuteReply {
  readonly result: Buffer;
  readonly python_ms: number;
  readonly python_cpu_ms: number;
  readonly peak_rss_bytes: number;
  readonly session_data?: Buffer;
}

export interface StreamReply {
  readonly chunk?: Buffer;
  readonly end?: ExecuteReply;
}

export interface FailureMessage {
  readonly code: string;
  readonly message: string;
  readonly traceback?: string;
  readonly exception?: PythonException | null;
  readonly path?: string;
  readonly python_ms: number;
  readonly python_cpu_ms: number;
}

export interface Stats {
  readonly rss_bytes: number;
  readonly peak_rss_bytes: number;
  readonly cpu_seconds: number;
  readonly threads: number;
  readonly open_fds: number;
  readonly gc_collections: number;
}

export interface LogRecord {
  readonly request_id: string;
  readonly level: string;
  readonly logger: string;
  readonly message: string;
  readonly time_ms: number;
  readonly fields: Buffer;
}

export interface EventRecord {
  readonly request_id: string;
  readonly name: string;
  readonly measurements: Buffer;
  readonly metadata: Buffer;
}

export interface Command {
  readonly name: string;
  readonly kind: string;
  readonly doc?: string;
  readonly parameters: readonly {
    readonly name: string;
    readonly kind: string;
    readonly annotation?: string;
    readonly required: boolean;
    readonly default?: string;
  }[];
}

export interface Ready {
  readonly commands: readonly Command[];
  /** What Hello could not tell yet, where it was answered before the process had started. */
  readonly pid?: number;
  readonly python_version?: string;
  readonly snapshots?: boolean;
}

export interface Exit {
  readonly code?: number;
  readonly signal?: string;
  readonly stderr_tail: readonly string[];
}

/** One of these. */
export interface Report {
  readonly phase?: string;
  readonly ready?: Ready;
  readonly start_failed?: FailureMessage;
  readonly stats?: Stats;
  readonly log?: LogRecord;
  readonly event?: EventRecord;
  readonly exit?: Exit;
}

/** One of these beside the id. */
export interface WorkerMessage {
  readonly id: number;
  readonly reply?: ExecuteReply;
  readonly failure?: FailureMessage;
  readonly chunk?: Buffer;
  readonly log?: LogRecord;
  readonly event?: EventRecord;
}

export interface WorkerBatch {
  readonly messages: readonly WorkerMessage[];
}

export interface HostMessage {
  readonly id: number;
  readonly execute?: ExecuteRequest;
  readonly stream?: ExecuteRequest;
  readonly credit?: number;
  readonly cancel?: string;
  readonly timeout_ms?: number;
}

export interface RecallReply {
  readonly request_ids: readonly string[];
}

export interface StacksReply {
  readonly stacks: readonly { readonly request_id: string; readonly text: string }[];
  readonly captured: string;
}

/** One method of the service: where it is and how its messages become bytes. */
export interface Method<Request, Reply> {
  readonly path: string;
  readonly serialize: (message: Request) => Buffer;
  readonly deserialize: (bytes: Buffer) => Reply;
}

/** The service. */
export interface Methods {
  readonly hello: Method<HelloRequest, HelloReply>;
  readonly watch: Method<{ readonly worker_id: string }, Report>;
  readonly execute: Method<ExecuteRequest, ExecuteReply>;
  readonly stream: Method<ExecuteRequest, StreamReply>;
  readonly exchange: Method<{ readonly messages: readonly HostMessage[] }, WorkerBatch>;
  readonly recall: Method<{ readonly request_ids: readonly string[] }, RecallReply>;
  readonly stacks: Method<{ readonly request_ids: readonly string[] }, StacksReply>;
  readonly stop: Method<{ readonly kill: boolean; readonly restart: boolean }, object>;
}
