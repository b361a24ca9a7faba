import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Knows a server's connections and what runs on them, so that closing can end the idle ones at once. Node's own `closeIdleConnections`
 * leaves out those that have not sent a byte yet, and browsers open such in advance.
 */
export class Connections {
  readonly #running = new Map<Socket, Set<ServerResponse>>();
  #closing = false;

  constructor(server: Server, ref: boolean) {
    server.on('connection', (socket) => {
      if (!ref) socket.unref();
      this.#running.set(socket, new Set());
      socket.once('close', () => this.#running.delete(socket));
    });
    server.on('request', (req, res) => this.#track(req, res));
  }

  #track({ socket }: IncomingMessage, res: ServerResponse): void {
    const responses = this.#running.get(socket);
    if (this.#closing) res.setHeader('connection', 'close');
    responses?.add(res);
    res.once('close', () => {
      responses?.delete(res);
      if (this.#closing && responses?.size === 0) socket.destroySoon();
    });
  }

  /** Ends idle connections now and the others after what they are answering. */
  finish(): void {
    this.#closing = true;
    for (const [socket, responses] of this.#running) {
      const last = [...responses].at(-1);
      if (last === undefined) socket.destroySoon();
      // On the last only: Node ends the connection after the answer that says so, and pipelined requests behind it would get none.
      else if (!last.headersSent) last.setHeader('connection', 'close');
    }
  }

  /** Ends all connections now. */
  destroy(): void {
    for (const socket of this.#running.keys()) socket.destroy();
  }
}
