import type { ClientReadableStream, ClientUnaryCall, Metadata, ServiceError } from '@grpc/grpc-js';
import { PayloadTooLarge } from '../contract.ts';
import { failedOfStatus, statusName } from './failure.ts';
import type { Lane, LaneHandler, Wire } from './lane.ts';
import type { ExecuteReply, ExecuteRequest, FailureMessage, StreamReply } from './messages.ts';

const asItIs = (bytes: Buffer): Buffer => bytes;

/**
 * Begins a call without a note of where that was. grpc-js takes one for each, for the stack of its errors, which go no further than here: to do without saves a tenth
 * of what a call costs.
 */
const unsigned = <Call>(begin: () => Call): Call => {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return begin();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
};

/** One stream and how much of it may be handed on. */
interface Stream {
  readonly call: ClientReadableStream<StreamReply>;
  credit: number;
  /** A chunk that has come before there was credit for it. */
  held: Buffer | undefined;
}

/** A call for each request: for workers that have no Exchange. */
export class Unary implements Lane {
  readonly #wire: Wire;
  readonly #limit: number;
  readonly #to: LaneHandler;
  readonly #calls = new Map<number, ClientUnaryCall>();
  readonly #streams = new Map<number, Stream>();
  readonly #readFailure: (bytes: Buffer) => FailureMessage | undefined;

  /** @param limit - largest encoded request in bytes */
  constructor(wire: Wire, limit: number, to: LaneHandler) {
    this.#wire = wire;
    this.#limit = limit;
    this.#to = to;
    this.#readFailure = (bytes) => readFailure(wire, bytes);
  }

  send(id: number, request: ExecuteRequest, streaming: boolean, timeoutMs: number): number {
    const { execute, stream } = this.#wire.methods;
    const bytes = (streaming ? stream : execute).serialize(request);
    if (bytes.length > this.#limit) throw new PayloadTooLarge(bytes.length, this.#limit);
    const deadline = Date.now() + timeoutMs;
    if (streaming) this.#stream(id, bytes, this.#metadata(request), deadline);
    else this.#unary(id, bytes, this.#metadata(request), deadline);
    return bytes.length;
  }

  credit(id: number, count: number): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    stream.credit += count;
    this.#read(id, stream);
  }

  /** Ends the call. gRPC lets go of it at once, and so the worker counts as free of it. */
  cancel(id: number): void {
    (this.#calls.get(id) ?? this.#streams.get(id)?.call)?.cancel();
  }

  forget(id: number): void {
    const call = this.#calls.get(id) ?? this.#streams.get(id)?.call;
    this.#calls.delete(id);
    this.#streams.delete(id);
    call?.cancel();
  }

  close(): void {
    const calls = [...this.#calls.values(), ...[...this.#streams.values()].map(({ call }) => call)];
    this.#calls.clear();
    this.#streams.clear();
    for (const call of calls) call.cancel();
  }

  #metadata({ correlation_id, traceparent }: ExecuteRequest): Metadata {
    const metadata = this.#wire.metadata();
    if (correlation_id !== '') metadata.set('x-correlation-id', correlation_id);
    if (traceparent !== '') metadata.set('traceparent', traceparent);
    return metadata;
  }

  #unary(id: number, bytes: Buffer, metadata: Metadata, deadline: number): void {
    const { client, methods } = this.#wire;
    const { path, deserialize } = methods.execute;
    const answered = (error: ServiceError | null, reply?: ExecuteReply): void => {
      if (!this.#calls.delete(id)) return;
      if (error) this.#failed(id, error);
      else this.#to.reply(id, reply as ExecuteReply);
    };
    const call = unsigned(() =>
      client.makeUnaryRequest(path, asItIs, deserialize, bytes, metadata, { deadline }, answered),
    );
    this.#calls.set(id, call);
  }

  #stream(id: number, bytes: Buffer, metadata: Metadata, deadline: number): void {
    const { client, methods } = this.#wire;
    const { path, deserialize } = methods.stream;
    const call = client.makeServerStreamRequest<Buffer, StreamReply>(
      path,
      asItIs,
      deserialize,
      bytes,
      metadata,
      {
        deadline,
      },
    );
    const stream: Stream = { call, credit: 0, held: undefined };
    this.#streams.set(id, stream);
    call.on('readable', () => this.#read(id, stream));
    call.on('error', (error: ServiceError) => {
      if (this.#streams.delete(id)) this.#failed(id, error);
    });
    call.on('end', () => {
      if (!this.#streams.delete(id)) return;
      this.#to.failed(id, {
        failure: {
          code: 'transport_error',
          message: 'The worker ended the stream without its last message.',
          traceback: null,
          exception: null,
          path: null,
          grpc: { status: 'OK', details: '' },
        },
        pythonMs: 0,
        cpuMs: 0,
      });
    });
  }

  /** Hands on what there is credit for. One more is taken, since the end needs none. */
  #read(id: number, stream: Stream): void {
    while (this.#streams.get(id) === stream) {
      if (stream.held !== undefined) {
        if (stream.credit === 0) return;
        stream.credit--;
        const { held } = stream;
        stream.held = undefined;
        this.#to.chunk(id, held);
        continue;
      }
      const message = stream.call.read() as StreamReply | null;
      if (message === null) return;
      if (message.end) {
        this.#streams.delete(id);
        this.#to.reply(id, message.end);
        // Its status is still to come, and nobody waits for it.
        stream.call.on('data', () => {});
      } else if (message.chunk) stream.held = message.chunk;
    }
  }

  #failed(id: number, error: ServiceError): void {
    const { grpc } = this.#wire;
    const failed = failedOfStatus(grpc, error, this.#readFailure);
    if (failed.failure.code === 'transport_error' && statusName(grpc, error.code) === 'UNAVAILABLE')
      // The connection may be gone, which what watches it tells better; else it was this one call.
      setTimeout(() => this.#to.failed(id, failed), LOST_MS).unref();
    else this.#to.failed(id, failed);
  }
}

/** How long the end of a connection may trail the end of its calls. */
const LOST_MS = 250;

/** A Failure has the same form as the start of a Report that carries nothing else but it. */
const readFailure = ({ methods }: Wire, bytes: Buffer): FailureMessage | undefined => {
  // Report.start_failed is field 3 of type message: a tag, a length, and the Failure itself.
  const length: number[] = [];
  for (let left = bytes.length; ; left >>>= 7) {
    length.push(left > 0x7f ? (left & 0x7f) | 0x80 : left);
    if (left <= 0x7f) break;
  }
  try {
    return methods.watch.deserialize(Buffer.concat([Buffer.from([0x1a, ...length]), bytes])).start_failed;
  } catch {
    return undefined;
  }
};
