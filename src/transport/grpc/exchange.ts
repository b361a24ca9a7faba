import type { ClientDuplexStream, ServiceError } from '@grpc/grpc-js';
import { PayloadTooLarge } from '../contract.ts';
import { failedOf, statusName } from './failure.ts';
import type { Lane, LaneHandler, Wire } from './lane.ts';
import type { ExecuteRequest, HostMessage, WorkerBatch, WorkerMessage } from './messages.ts';

/** A batch of more than one message stays below this. */
const MAX_BATCH = 2 ** 20;

const asItIs = (bytes: Buffer): Buffer => bytes;

/**
 * Requests and answers in batches over one stream. A call of its own costs gRPC some 200 µs on either side; a message in a batch costs a few.
 */
export class Exchange implements Lane {
  readonly #serialize: (batch: { readonly messages: readonly HostMessage[] }) => Buffer;
  readonly #call: ClientDuplexStream<Buffer, WorkerBatch>;
  readonly #limit: number;
  readonly #to: LaneHandler;
  #batch: Buffer[] = [];
  #size = 0;
  #scheduled = false;
  #closed = false;

  /** @param limit - largest encoded request in bytes */
  constructor(wire: Wire, limit: number, to: LaneHandler) {
    const { exchange } = wire.methods;
    this.#serialize = exchange.serialize;
    this.#limit = limit;
    this.#to = to;
    this.#call = wire.client.makeBidiStreamRequest(
      exchange.path,
      asItIs,
      exchange.deserialize,
      wire.metadata(),
    );
    this.#call.on('data', (batch: WorkerBatch) => {
      for (const message of batch.messages) this.#take(message);
    });
    this.#call.on('error', (error: ServiceError) => {
      if (!this.#closed) to.broken(statusName(wire.grpc, error.code), error.details);
    });
    this.#call.on('end', () => {
      if (!this.#closed) to.broken('OK', 'it ended the exchange of requests');
    });
  }

  send(id: number, request: ExecuteRequest, streaming: boolean, timeoutMs: number): number {
    const about = streaming ? { id, stream: request } : { id, execute: request };
    return this.#add({ ...about, timeout_ms: timeoutMs }, true);
  }

  credit(id: number, count: number): void {
    this.#add({ id, credit: count });
  }

  cancel(id: number, reason: 'cancelled' | 'timeout'): void {
    this.#add({ id, cancel: reason });
  }

  /** Nothing is kept of it here, and nothing comes. */
  forget(): void {}

  close(): void {
    this.#closed = true;
    this.#call.cancel();
  }

  /** Batches of one message each, laid end to end, are a batch of all of them: so Protocol Buffers define it. */
  #add(message: HostMessage, limited = false): number {
    const bytes = this.#serialize({ messages: [message] });
    if (limited && bytes.length > this.#limit) throw new PayloadTooLarge(bytes.length, this.#limit);
    if (this.#size + bytes.length > MAX_BATCH) this.#flush();
    this.#batch.push(bytes);
    this.#size += bytes.length;
    if (!this.#scheduled) {
      this.#scheduled = true;
      // After the microtasks: the continuations of all results of one batch add their next requests first.
      process.nextTick(this.#flushSoon);
    }
    return bytes.length;
  }

  readonly #flushSoon = (): void => {
    this.#scheduled = false;
    this.#flush();
  };

  #flush(): void {
    if (this.#batch.length === 0) return;
    const [first] = this.#batch;
    const bytes = this.#batch.length === 1 ? (first as Buffer) : Buffer.concat(this.#batch, this.#size);
    this.#batch = [];
    this.#size = 0;
    if (!this.#closed) this.#call.write(bytes);
  }

  #take(message: WorkerMessage): void {
    if (this.#closed) return;
    const { id, reply, failure, chunk, log, event } = message;
    if (reply) this.#to.reply(id, reply);
    else if (chunk) this.#to.chunk(id, chunk);
    else if (failure) this.#to.failed(id, failedOf(failure));
    else if (log) this.#to.log(id, log);
    else if (event) this.#to.event(id, event);
    // Whatever else it is was added to the protocol later.
  }
}
