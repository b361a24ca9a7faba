import type { ClientReadableStream, Metadata, ServiceError } from '@grpc/grpc-js';
import { type Codec, codecs } from '../codec/index.ts';
import type {
  LinkFault,
  LinkHandler,
  OutgoingRequest,
  Sendable,
  SlotProgress,
  StackText,
  WorkerIdentity,
} from '../contract.ts';
import { Exchange } from './exchange.ts';
import { explainRefusal } from './explain.ts';
import { type Failed, failedOf, statusName } from './failure.ts';
import { agreed, sayHello } from './greeting.ts';
import type { Peer } from './grpc.ts';
import { healthCheck } from './health.ts';
import type { Lane, LaneHandler, Wire } from './lane.ts';
import type { ExecuteReply, HelloReply, RecallReply, Report, StacksReply } from './messages.ts';
import { OpenRequests } from './open-requests.ts';
import type { Place } from './place.ts';
import { commandOf, deliverEvent, deliverLog, statsOf, view } from './reports.ts';
import type { GrpcLinkSettings, RemoteLink } from './settings.ts';
import { Unary } from './unary.ts';

/** Room for what surrounds a value, and for a batch of small ones. */
const SLACK_BYTES = 8 * 2 ** 20;
/** How often a worker that says it does not serve is asked again. */
const ASK_AGAIN_MS = 250;
/** How long the word that a process is gone may trail the end of its requests. */
const GONE_MS = 2000;
const STOP_MS = 30_000;
const KILL_MS = 2000;
/** A local worker that is not there yet is tried again. */
const KNOCK_MS = 50;
const EMPTY = new Uint8Array(0);

/**
 * The host's end of one worker over gRPC: a channel of its own, a call that watches, and lanes for requests. Over the usual length because it is the one place where
 * the calls of a worker meet.
 */
export class GrpcLink implements RemoteLink, LaneHandler {
  readonly env: Readonly<Record<string, string>> = {};
  readonly #peer: Peer;
  readonly #identity: WorkerIdentity;
  readonly #settings: GrpcLinkSettings;
  readonly #handler: LinkHandler;
  readonly #place: Place;
  readonly #over = new AbortController();
  #wire: Wire | undefined;
  #lane: Lane | undefined;
  #watch: ClientReadableStream<Report> | undefined;
  #codec: Codec = codecs.json;
  readonly #open = new OpenRequests();
  #closed = false;
  /** A worker is asked once at a time for what it has not begun. */
  #recalling = false;

  constructor(
    peer: Peer,
    identity: WorkerIdentity,
    settings: GrpcLinkSettings,
    handler: LinkHandler,
    place: Place,
  ) {
    this.#peer = peer;
    this.#identity = identity;
    this.#settings = settings;
    this.#handler = handler;
    this.#place = place;
  }

  /** Where the worker is. */
  get address(): string {
    return this.#place.address;
  }

  /** Begins to connect. What comes of it is told to the handler. */
  connect(): void {
    void this.#connect().catch((error: Error) =>
      this.#end({ code: 'transport_error', message: error.message }),
    );
  }

  /** Beside a worker elsewhere there is a process that answers for it. */
  get tellsStacksAlways(): boolean {
    return this.#place.remote;
  }

  /** An exchange brings them in their order; what watches the worker does not. */
  get recordsTrail(): boolean {
    return this.#lane instanceof Unary;
  }

  // What the core asks

  request(id: number, request: OutgoingRequest, timeoutMs: number): number {
    const lane = this.#lane;
    // A worker that is gone is reported by its end, not by each message that no longer reaches it.
    if (lane === undefined) return 0;
    const { command, args, requestId, correlationId, traceparent = '', streaming, session } = request;
    const belongs = session && {
      session: {
        id: session.id,
        data: session.stored === undefined ? EMPTY : this.#copy(session.stored),
        restore: session.restore === undefined ? EMPTY : this.#copy(session.restore),
      },
    };
    const encoded = {
      command,
      // Last, and sent before anything else is encoded, so it need not be copied.
      args: this.#codec.encode(args, request.tagged),
      request_id: requestId,
      correlation_id: correlationId,
      traceparent,
      serial: id,
      ...belongs,
    };
    const bytes = lane.send(id, encoded, streaming, timeoutMs);
    this.#open.add(id, requestId);
    return bytes;
  }

  credit(id: number, count: number): void {
    this.#lane?.credit(id, count);
  }

  cancel(id: number, reason: 'cancelled' | 'timeout'): void {
    this.#lane?.cancel(id, reason);
  }

  recall(ids: readonly number[]): void {
    const wire = this.#wire;
    if (wire === undefined || this.#recalling) return;
    this.#recalling = true;
    const { path, serialize, deserialize } = wire.methods.recall;
    const asked = { request_ids: ids.map((id) => this.#open.nameOf(id)) };
    wire.client.makeUnaryRequest(path, serialize, deserialize, asked, wire.metadata(), (error, reply) => {
      this.#recalling = false;
      if (this.#closed) return;
      // What it has given back without our hearing of it would be waited for in vain.
      if (error !== null) this.broken(statusName(wire.grpc, error.code), error.details);
      else this.#recalled((reply as RecallReply).request_ids.map((name) => this.#open.idOf(name)));
    });
  }

  #recalled(ids: readonly (number | null)[]): void {
    const back = ids.filter((id) => id !== null && this.#open.settle(id, false)) as number[];
    for (const id of back) this.#lane?.forget(id);
    this.#handler.recalled(back);
  }

  ping(seq: number): void {
    const wire = this.#wire;
    if (wire === undefined) return;
    const { path, serialize, deserialize } = healthCheck;
    const metadata = wire.metadata();
    wire.client.makeUnaryRequest(path, serialize, deserialize, undefined, metadata, (error, serving) => {
      if (this.#closed) return;
      // One that knows no health checks has answered as well.
      const answered = error === null ? serving === true : error.code === wire.grpc.status.UNIMPLEMENTED;
      if (answered) this.#handler.pong(seq);
      else setTimeout(() => this.ping(seq), ASK_AGAIN_MS).unref();
    });
  }

  stack(seq: number, ids: readonly number[] | null): void {
    const wire = this.#wire;
    if (wire === undefined) return;
    const names = ids?.map((id) => this.#open.nameOf(id));
    const { path, serialize, deserialize } = wire.methods.stacks;
    const asked = { request_ids: names ?? [] };
    wire.client.makeUnaryRequest(path, serialize, deserialize, asked, wire.metadata(), (error, reply) => {
      if (this.#closed) return;
      const told = error === null ? (reply as StacksReply) : NO_STACKS;
      const how = told.captured === 'signal' ? ({ bySignal: true } as const) : {};
      const texts: StackText[] =
        ids === null || names === undefined
          ? told.stacks.map(({ text }) => ({ id: null, text, ...how }))
          : ids.map((id, at) => ({
              id,
              text: told.stacks.find(({ request_id }) => request_id === names[at])?.text ?? '',
              ...how,
            }));
      this.#handler.stack(seq, texts, told.captured === 'control_thread');
    });
  }

  progress(): readonly SlotProgress[] {
    return [];
  }

  takeLastStarted(): readonly number[] {
    return this.#open.lastStarted;
  }

  /** A worker that somebody else has started goes on; this host only takes its leave of it. */
  stop(): void {
    if (!this.#place.remote) this.end({ kill: false, restart: false });
  }

  /** Has the process that runs the handlers ended; the link closes with it. */
  end(how: { readonly kill: boolean; readonly restart: boolean }): void {
    const wire = this.#wire;
    if (wire === undefined || this.#closed) {
      this.close();
      return;
    }
    const { path, serialize, deserialize } = wire.methods.stop;
    const deadline = Date.now() + (how.kill ? KILL_MS : STOP_MS);
    wire.client.makeUnaryRequest(path, serialize, deserialize, how, wire.metadata(), { deadline }, () => {
      // Its end is told by what watches it. One that cannot be told to end is left alone.
      if (this.#place.remote) setTimeout(() => this.close(), ASK_AGAIN_MS).unref();
    });
  }

  close(): void {
    this.#end(undefined);
  }

  // What comes on the lanes

  reply(id: number, reply: ExecuteReply): void {
    this.#guard(() => {
      if (!this.#settled(id)) return;
      const { result, session_data, python_ms, python_cpu_ms, peak_rss_bytes } = reply;
      const value = result.length === 0 ? null : this.#codec.decode(view(result));
      const change =
        session_data === undefined ? undefined : { data: this.#codec.decode(view(session_data)) };
      const bytes = result.length + (session_data?.length ?? 0);
      this.#handler.response(id, value, python_ms, python_cpu_ms, bytes, peak_rss_bytes, change);
    });
  }

  chunk(id: number, value: Buffer): void {
    this.#guard(() => {
      if (!this.#handler.chunk(id, this.#codec.decode(view(value)), value.length))
        this.fault(`sent a chunk of request ${id}, which is not open`);
    });
  }

  failed(id: number, { failure, pythonMs, cpuMs }: Failed): void {
    if (this.#closed || !this.#open.has(id)) return;
    if (failure.code === 'recalled') this.#recalled([id]);
    else if (failure.code === 'worker_crashed' || failure.code === 'no_workers')
      this.#gone(id, failure.code === 'no_workers', failure.message);
    else
      this.#guard(() => {
        if (this.#settled(id)) this.#handler.error(id, failure, pythonMs, cpuMs, failure.message.length, 0);
      });
  }

  log(id: number, log: NonNullable<Report['log']>): void {
    this.#guard(() => deliverLog(log, this.#open.has(id) ? id : null, this.#codec, this.#handler));
  }

  event(id: number, event: NonNullable<Report['event']>): void {
    this.#guard(() => deliverEvent(event, this.#open.has(id) ? id : null, this.#codec, this.#handler));
  }

  broken(status: string, details: string): void {
    const { workerId } = this.#identity;
    const { address, remote } = this.#place;
    // Of a local one its process tells more.
    this.#end(
      remote
        ? {
            code: 'transport_error',
            message: `The connection to worker ${workerId} at ${address} broke: ${details || status}.`,
            grpc: { status, details },
          }
        : undefined,
    );
  }

  fault(what: string): void {
    this.#end({ code: 'protocol_error', message: `Worker ${this.#identity.workerId} ${what}.` });
  }

  // Connecting

  async #connect(): Promise<void> {
    const { grpc, methods } = this.#peer;
    const { target, credentials, options, authorize } = await this.#place.locate(grpc, this.#over.signal);
    if (this.#closed) return;
    const client = new grpc.Client(target, credentials, {
      'grpc.max_receive_message_length': this.#settings.maxFrameBytes + SLACK_BYTES,
      'grpc.max_send_message_length': -1,
      // One worker, one connection: otherwise channels with the same options share one.
      'grpc.use_local_subchannel_pool': 1,
      'grpc-node.flow_control_window': 2 ** 20,
      // What is started again is for the pool to say; and it costs each call a layer.
      'grpc.enable_retries': 0,
      ...options,
    });
    const metadata = (): Metadata => {
      const made = new grpc.Metadata();
      // Of several hosts that reach a worker by one address, it tells which this is.
      if (this.#place.remote) made.set('x-snakepit-worker-id', this.#identity.workerId);
      authorize(made);
      return made;
    };
    this.#wire = { grpc, methods, client, metadata };
    const reply = await this.#hello(this.#wire);
    if (reply !== undefined) this.#begin(this.#wire, reply);
  }

  /** Says Hello until it is answered; undefined when the link was closed meanwhile. */
  async #hello(wire: Wire): Promise<HelloReply | undefined> {
    for (;;) {
      const { helloTimeoutMs } = this.#place;
      const outcome = await sayHello(wire, this.#identity, this.#settings, helloTimeoutMs);
      if (this.#closed) return undefined;
      if ('reply' in outcome) return outcome.reply;
      const { error } = outcome;
      // A process of ours that is not there yet comes, or its end is told.
      if (this.#place.remote || error.code !== wire.grpc.status.UNAVAILABLE) {
        const grpc = { status: statusName(wire.grpc, error.code), details: error.details };
        this.#end({ ...explainRefusal(this.#place, grpc), grpc });
        return undefined;
      }
      await new Promise<void>((resolve) => {
        setTimeout(resolve, KNOCK_MS).unref();
      });
    }
  }

  #begin(wire: Wire, reply: HelloReply): void {
    const outcome = agreed(reply, this.#settings.codecs, this.#place.address);
    if ('fault' in outcome) {
      this.#end(outcome.fault);
      return;
    }
    this.#codec = outcome.codec;
    const limit = Math.min(this.#settings.maxFrameBytes, reply.max_message_bytes || Number.POSITIVE_INFINITY);
    this.#lane =
      reply.exchange && this.#settings.exchange
        ? new Exchange(wire, limit, this)
        : new Unary(wire, limit, this);
    this.#handler.introduced({
      pid: reply.pid,
      pythonVersion: reply.python_version || reply.runtime,
      codec: this.#codec.name,
      ...(reply.concurrency > 0 && { concurrency: reply.concurrency }),
      givesBack: reply.recall,
    });
    this.#startToWatch(wire);
  }

  #startToWatch(wire: Wire): void {
    const { path, serialize, deserialize } = wire.methods.watch;
    const about = { worker_id: this.#identity.workerId };
    const watch = wire.client.makeServerStreamRequest(path, serialize, deserialize, about, wire.metadata());
    this.#watch = watch;
    watch.on('data', (report: Report) => this.#guard(() => this.#take(report)));
    watch.on('error', (error: ServiceError) => this.broken(statusName(wire.grpc, error.code), error.details));
    watch.on('end', () => this.broken('OK', 'it ended the call that watches it'));
  }

  #take(report: Report): void {
    if (this.#closed) return;
    const to = this.#handler;
    const { phase, ready, start_failed, stats, log, event, exit } = report;
    if (stats) to.stats(statsOf(stats));
    else if (log) deliverLog(log, this.#open.idOf(log.request_id), this.#codec, to);
    else if (event) deliverEvent(event, this.#open.idOf(event.request_id), this.#codec, to);
    else if (phase === 'import' || phase === 'on_start') to.phase(phase);
    else if (ready) to.ready(ready.commands.map(commandOf), ready.snapshots === true);
    else if (start_failed) {
      to.startFailed(failedOf(start_failed).failure);
      // It may try again by itself; to this host it is a start that failed.
      if (this.#place.remote) this.#end(undefined);
    } else if (exit) {
      const signal = (exit.signal || null) as NodeJS.Signals | null;
      this.#place.onExit({ code: signal === null ? (exit.code ?? 0) : null, signal }, exit.stderr_tail);
      if (this.#place.remote) this.#end(undefined);
    }
  }

  // Ending

  /** The process that had a request is gone: that is told in a moment, and settles it with all others. */
  #gone(id: number, untouched: boolean, why: string): void {
    if (this.#open.lose(id, untouched))
      setTimeout(() => {
        this.#end({
          code: 'transport_error',
          message: `The worker at ${this.#place.address} has no process for requests, but did not tell of its end: ${why}`,
        });
      }, GONE_MS).unref();
  }

  /** Whether a request was open until now. */
  #settled(id: number): boolean {
    if (this.#open.settle(id, this.recordsTrail)) return true;
    this.fault(`answered request ${id}, which is not open`);
    return false;
  }

  /** What cannot be read is a fault of the protocol. */
  #guard(deliver: () => void): void {
    if (this.#closed) return;
    try {
      deliver();
    } catch (error) {
      this.fault(`sent a message that cannot be read (${(error as Error).message})`);
    }
  }

  #end(fault: LinkFault | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#over.abort();
    this.#lane?.close();
    this.#watch?.on('error', () => {});
    this.#watch?.cancel();
    this.#lane = undefined;
    this.#wire?.client.close();
    this.#wire = undefined;
    this.#handler.closed(fault);
    this.#place.onClosed();
  }

  /** The codec's bytes are only good until its next call. */
  #copy({ value, tagged }: Sendable): Uint8Array {
    return Buffer.from(this.#codec.encode(value, tagged));
  }
}

const NO_STACKS: StacksReply = { stacks: [], captured: 'none' };
