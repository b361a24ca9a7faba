import { HealthDesk } from '../grpc-health/desk.ts';
import type { GrpcHealthServer } from '../grpc-health/server.ts';
import { type Serving, servingWithout } from '../grpc-health/serving.ts';
import type { Heart } from './heart.ts';
import type { Bind, ToThread } from './messages.ts';
import { PROBE_PATIENCE_MS } from './probe-desk.ts';
import type { Shared } from './shared.ts';

interface Waiting {
  readonly version: number;
  readonly resolve: () => void;
}

interface GrpcSiteInit {
  readonly shared: Shared;
  readonly heart: Heart;
  readonly stuckAfterMs: number;
}

/** `grpc.health.v1` in the listener's thread, from what the main thread tells; while that does not run, nothing is served. */
export class GrpcSite {
  readonly #init: GrpcSiteInit;
  readonly #desk = new HealthDesk();
  #serving: Serving = {};
  #version = -1;
  #isSilent = false;
  #waiting: Waiting[] = [];

  constructor(init: GrpcSiteInit) {
    this.#init = init;
  }

  /** Loaded only where it is asked for: the thread is kept small. */
  async listen({ host, port }: Bind): Promise<GrpcHealthServer> {
    const { listenGrpcHealth } = await import('../grpc-health/server.ts');
    const current = () => this.#current();
    return listenGrpcHealth({ desk: this.#desk, current, host, port, ref: true });
  }

  receive({ serving, version }: Extract<ToThread, { kind: 'serving' }>): void {
    this.#serving = serving;
    this.#version = version;
    this.#desk.set(serving);
    this.#waiting = this.#waiting.filter((waiting) => {
      if (waiting.version > version) return true;
      waiting.resolve();
      return false;
    });
  }

  tick(): void {
    const { heart, stuckAfterMs } = this.#init;
    const { silentMs } = heart;
    const wasSilent = this.#isSilent;
    this.#isSilent = silentMs >= PROBE_PATIENCE_MS;
    if (this.#isSilent) {
      this.#desk.set(servingWithout(this.#serving, silentMs < stuckAfterMs));
      for (const { resolve } of this.#waiting) resolve();
      this.#waiting = [];
    } else if (wasSilent) this.#desk.set(this.#serving);
  }

  /** What has been told from before the last change is not given any more: the main thread is on its way to tell anew. */
  async #current(): Promise<void> {
    const { version } = this.#init.shared;
    if (this.#isSilent || this.#version >= version) return;
    await new Promise<void>((resolve) => {
      this.#waiting.push({ version, resolve });
    });
  }
}
