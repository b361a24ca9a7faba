import type { Serving } from './serving.ts';

/** `HealthCheckResponse.ServingStatus` of `grpc.health.v1`. */
export const SERVING = 1;
export const NOT_SERVING = 2;
/** Of `Watch` only: the service is not known, and may be some day. */
export const SERVICE_UNKNOWN = 3;
export type ServingStatus = typeof SERVING | typeof NOT_SERVING | typeof SERVICE_UNKNOWN;

interface Watcher {
  readonly service: string;
  readonly tell: (status: ServingStatus) => void;
  told: ServingStatus | undefined;
}

/** Knows which services serve, and tells those who watch of each change. */
export class HealthDesk {
  #serving: Serving | undefined;
  readonly #watchers = new Set<Watcher>();

  get watchers(): number {
    return this.#watchers.size;
  }

  /** Every service with its status. */
  all(): readonly (readonly [string, ServingStatus])[] {
    return Object.keys(this.#serving ?? {}).map((name) => [name, this.read(name)]);
  }

  read(service: string): ServingStatus {
    const serving = this.#serving ?? {};
    if (!Object.hasOwn(serving, service)) return SERVICE_UNKNOWN;
    return serving[service] ? SERVING : NOT_SERVING;
  }

  set(serving: Serving): void {
    this.#serving = serving;
    for (const watcher of this.#watchers) this.#tell(watcher);
  }

  /** Nothing is served any more. */
  end(): void {
    this.set(Object.fromEntries(Object.keys(this.#serving ?? {}).map((name) => [name, false])));
  }

  /** Tells the status of a service, as soon as one is known, and each one that differs from the last. */
  watch(service: string, tell: Watcher['tell']): () => void {
    const watcher: Watcher = { service, tell, told: undefined };
    this.#watchers.add(watcher);
    if (this.#serving !== undefined) this.#tell(watcher);
    return () => this.#watchers.delete(watcher);
  }

  #tell(watcher: Watcher): void {
    const status = this.read(watcher.service);
    if (status === watcher.told) return;
    watcher.told = status;
    watcher.tell(status);
  }
}
