import type { Socket } from 'node:net';
import { FrameReader, FrameWriter, ProtocolFault } from './frames.ts';

export interface ConnectionHandler {
  /** A body; valid only during the call. May throw {@link ProtocolFault}. */
  body(body: Uint8Array): void;
  /** No more will come. Called once. */
  ended(fault: ProtocolFault | undefined): void;
}

/** One connection of a worker, cut into frames. */
export class Connection {
  readonly writer: FrameWriter;
  readonly #socket: Socket;
  readonly #reader: FrameReader;
  readonly #onBody: (body: Uint8Array) => void;
  readonly #ended: (fault: ProtocolFault | undefined) => void;
  #over = false;

  constructor(socket: Socket, limit: number, handler: ConnectionHandler) {
    this.#socket = socket;
    this.#reader = new FrameReader(limit);
    this.#onBody = (body) => handler.body(body);
    this.#ended = (fault) => handler.ended(fault);
    this.writer = new FrameWriter(limit, (bytes) => {
      if (!socket.destroyed) socket.write(bytes);
    });
    // Requests in flight keep Node alive, not the connections.
    socket.unref();
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    // A reset is as good as an end here: the process behind it tells why.
    socket.on('error', () => {});
    socket.on('close', () => this.#end());
  }

  /** Sends what waits, then closes. */
  close(): void {
    if (this.#over) return;
    this.writer.flush();
    this.#socket.end();
  }

  destroy(): void {
    this.#over = true;
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    if (this.#over) return;
    try {
      // A plain view: decoders would make every binary value a Buffer otherwise.
      this.#reader.push(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length), this.#onBody);
    } catch (error) {
      this.#end(
        error instanceof ProtocolFault
          ? error
          : new ProtocolFault(`sent a frame that cannot be read (${(error as Error).message})`),
      );
    }
  }

  #end(fault?: ProtocolFault): void {
    if (this.#over) return;
    this.#over = true;
    this.#socket.destroy();
    this.#ended(fault ?? (this.#reader.atBoundary ? undefined : truncation()));
  }
}

const truncation = (): ProtocolFault => {
  const fault = new ProtocolFault('ended in the middle of a frame');
  fault.truncated = true;
  return fault;
};
