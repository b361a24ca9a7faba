import { HealthDesk } from '../grpc-health/desk.ts';
import { type GrpcHealthServer, listenGrpcHealth } from '../grpc-health/server.ts';
import type { Serving } from '../grpc-health/serving.ts';
import { DEFAULT_GRACE_MS } from '../server/listen.ts';
import { ServingSource } from './serving-source.ts';
import { BEAT_MS } from './shared.ts';

/** `grpc.health.v1` in the main thread, where the listener has no thread. */
export class GrpcHere {
  readonly url: string;
  readonly #server: GrpcHealthServer;
  readonly #source: ServingSource;
  readonly #beating: NodeJS.Timeout;

  private constructor(server: GrpcHealthServer, source: ServingSource) {
    this.url = server.url;
    this.#server = server;
    this.#source = source;
    this.#beating = setInterval(() => source.beat(), BEAT_MS);
    this.#beating.unref();
  }

  /** @throws SnakepitError `invalid_configuration`, as `listenGrpcHealth` */
  static async listen({
    serving,
    ...address
  }: {
    readonly serving: () => Serving;
    readonly host: string;
    readonly port: number;
    readonly ref: boolean;
  }): Promise<GrpcHere> {
    const desk = new HealthDesk();
    const source = new ServingSource(serving, (told) => desk.set(told));
    source.tell();
    const server = await listenGrpcHealth({ desk, current: async () => source.tell(), ...address });
    return new GrpcHere(server, source);
  }

  /** Health may have changed. */
  changed(): void {
    this.#source.changed();
  }

  /** As `HttpServer.close`. */
  async close({ graceMs = DEFAULT_GRACE_MS }: { readonly graceMs?: number } = {}): Promise<void> {
    clearInterval(this.#beating);
    this.#source.close();
    await this.#server.close({ graceMs });
  }
}
