import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { type Codec, type CodecName, codecs } from '../codec/index.ts';
import type {
  LinkFault,
  LinkHandler,
  OutgoingRequest,
  OutgoingSession,
  SlotProgress,
  WorkerIdentity,
  WorkerLink,
} from '../contract.ts';
import { makeProgressFile, readLastStarted, readProgress } from '../progress.ts';
import { type WelcomeSettings, welcomeContent } from '../welcome.ts';
import { Connection } from './connection.ts';
import type { ProtocolFault } from './frames.ts';
import { type Hello, MAX_GREETING, Refusal, readHello, reject, welcome } from './handshake.ts';
import { deliver, type Role, Type } from './messages.ts';

/** How long one connection may outlive the other before the link counts as broken. */
const HALF_OPEN_MS = 250;

/** What a link needs to know of its pool. */
export interface LinkSettings extends WelcomeSettings {
  readonly codecs: readonly CodecName[];
}

const sessionContent = ({ id, stored, restore }: OutgoingSession): Record<string, unknown> => {
  const content: Record<string, unknown> = { id, data: stored?.value ?? null };
  if (restore !== undefined) content.restore = restore.value;
  return content;
};

const isTagged = ({ stored, restore }: OutgoingSession): boolean =>
  stored?.tagged === true || restore?.tagged === true;

/** The host's end of one worker: a socket that takes its two connections, and the messages over them. */
export class SocketLink implements WorkerLink {
  readonly env: Readonly<Record<string, string>>;
  readonly #identity: WorkerIdentity;
  readonly #settings: LinkSettings;
  readonly #handler: LinkHandler;
  readonly #token = randomBytes(24).toString('hex');
  readonly #socketPath: string;
  readonly #progressPath: string;
  readonly #server: Server;
  readonly #connections = new Map<Role, Connection>();
  readonly #greeting = new Set<Connection>();
  #codec: Codec = codecs.json;
  #fault: LinkFault | undefined;
  #halfOpen: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(
    directory: string,
    name: string,
    identity: WorkerIdentity,
    settings: LinkSettings,
    handler: LinkHandler,
  ) {
    this.#identity = identity;
    this.#settings = settings;
    this.#handler = handler;
    this.#socketPath = `${directory}/${name}.sock`;
    this.#progressPath = `${directory}/${name}.progress`;
    this.#server = createServer((socket) => this.#greet(socket));
    this.#server.unref();
    this.env = {
      SNAKEPIT_SOCKET: this.#socketPath,
      SNAKEPIT_TOKEN: this.#token,
      SNAKEPIT_WORKER_ID: identity.workerId,
      SNAKEPIT_WORKER_SLOT: String(identity.slot),
    };
  }

  /** Starts to listen. Rejects when the socket cannot be made. */
  async listen(): Promise<void> {
    makeProgressFile(this.#progressPath, this.#settings.concurrency);
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.#socketPath, () => resolve());
    });
  }

  request(id: number, request: OutgoingRequest, timeoutMs: number): number {
    const { command, args, requestId, correlationId, traceparent = null, streaming, session } = request;
    const message = [
      Type.request,
      id,
      command,
      args,
      requestId,
      correlationId,
      timeoutMs,
      traceparent,
      streaming,
      session === undefined ? null : sessionContent(session),
    ];
    return this.#send('work', message, request.tagged || (session !== undefined && isTagged(session)));
  }

  credit(id: number, count: number): void {
    this.#send('work', [Type.credit, id, count]);
  }

  cancel(id: number, reason: 'cancelled' | 'timeout'): void {
    this.#send('control', [Type.cancel, id, reason]);
  }

  recall(ids: readonly number[]): void {
    this.#send('control', [Type.recall, ids]);
  }

  ping(seq: number): void {
    this.#send('control', [Type.ping, seq]);
  }

  stop(): void {
    this.#send('control', [Type.stop]);
  }

  stack(seq: number, ids: readonly number[] | null): void {
    this.#send('control', [Type.stack, seq, ids]);
  }

  progress(): readonly SlotProgress[] {
    return readProgress(this.#progressPath, this.#settings.concurrency);
  }

  takeLastStarted(): readonly number[] {
    const last = readLastStarted(this.#progressPath, this.#settings.concurrency);
    rmSync(this.#progressPath, { force: true });
    return last;
  }

  close(): void {
    for (const connection of [...this.#connections.values(), ...this.#greeting]) connection.destroy();
    this.#finish();
  }

  #send(role: Role, message: readonly unknown[], tagged = false): number {
    const connection = this.#connections.get(role);
    // A worker that is gone is reported by its exit, not by each message that no longer reaches it.
    if (connection === undefined) return 0;
    return connection.writer.add(this.#codec.encode(message, tagged));
  }

  #greet(socket: Socket): void {
    let role: Role | undefined;
    const connection: Connection = new Connection(socket, this.#settings.maxFrameBytes, {
      body: (body) => {
        if (role === undefined) role = this.#introduce(connection, body);
        else deliver(role, this.#codec.decode(body), body.length, this.#handler);
      },
      ended: (fault) => {
        this.#greeting.delete(connection);
        // Whoever never said HELLO is a stranger, and no reason to give the worker up.
        if (role !== undefined) this.#ended(role, fault);
      },
    });
    this.#greeting.add(connection);
  }

  #introduce(connection: Connection, body: Uint8Array): Role {
    let hello: Hello;
    try {
      if (body.length > MAX_GREETING) throw new Refusal('sent a greeting that is too large');
      hello = readHello(body, this.#token, this.#settings.codecs);
      if (this.#connections.has(hello.role)) throw new Refusal(`connected twice as '${hello.role}'`);
    } catch (error) {
      connection.writer.add(reject((error as Error).message));
      connection.writer.flush();
      throw error;
    }
    this.#greeting.delete(connection);
    this.#connections.set(hello.role, connection);
    const content = welcomeContent(this.#settings, this.#identity, this.#progressPath);
    connection.writer.add(welcome({ ...content, codec: hello.codec }));
    connection.writer.flush();
    this.#codec = codecs[hello.codec];
    if (this.#connections.size === 2) {
      // Nobody else has a reason to connect from here on.
      this.#server.close();
      this.#handler.introduced({ pid: hello.pid, pythonVersion: hello.pythonVersion, codec: hello.codec });
    }
    return hello.role;
  }

  #ended(role: Role, fault: ProtocolFault | undefined): void {
    this.#connections.delete(role);
    if (fault !== undefined) {
      this.#fault ??= {
        code: 'protocol_error',
        message: `Worker ${this.#identity.workerId} ${fault.message}.`,
        ...(fault.truncated && { truncated: true }),
      };
    }
    if (this.#connections.size === 0) this.#finish();
    else if (fault !== undefined && !fault.truncated) this.close();
    else {
      this.#halfOpen ??= setTimeout(() => {
        // It lives, so neither the end nor a frame cut short came from its death.
        this.#fault = {
          code: this.#fault?.code ?? 'transport_error',
          message:
            this.#fault?.message ??
            `Worker ${this.#identity.workerId} closed its ${role} connection and kept the other.`,
        };
        this.close();
      }, HALF_OPEN_MS).unref();
    }
  }

  #finish(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#halfOpen);
    this.#connections.clear();
    this.#server.close();
    rmSync(this.#socketPath, { force: true });
    this.#handler.closed(this.#fault);
  }
}
