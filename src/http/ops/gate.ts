import type { ResolvedOptions } from '../../config/index.ts';
import { type Access, refuseCaller, requireHost } from '../access.ts';
import type { Endpoint, View } from './endpoint.ts';

/** Options of the ops server that the gate needs. */
export type GateOptions = Pick<ResolvedOptions['ops'], 'open' | 'prefix'>;

/** Decides who may read which endpoint, and how much of it. */
export class Gate {
  readonly #access: Access;
  readonly #options: GateOptions;
  readonly #endpoints: readonly Endpoint[];

  constructor(access: Access, options: GateOptions, endpoints: readonly Endpoint[]) {
    this.#access = access;
    this.#options = options;
    this.#endpoints = endpoints;
  }

  /** @throws Refusal when the caller may not read the endpoint */
  admit(request: Request, endpoint: Endpoint): View {
    if (!endpoint.probe) requireHost(this.#access, request);
    const known = this.#isTrusted(request) || this.#isFree(endpoint);
    if (!known && !endpoint.probe) throw refuseCaller(this.#access, request.headers);
    // Probes take any Host, so a page that rebinds its name reaches them: it must not learn more than a stranger.
    const details = known && this.#access.acceptsHost(request);
    return { details, links: () => this.#links(request) };
  }

  /** Paths this caller may read. */
  readable(request: Request): readonly string[] {
    requireHost(this.#access, request);
    return this.#readable(request).map((endpoint) => this.#pathOf(endpoint));
  }

  #links(request: Request): Record<string, string> {
    const linked = this.#readable(request).flatMap((endpoint) =>
      endpoint.link === undefined ? [] : [[endpoint.link, this.#pathOf(endpoint)]],
    );
    return Object.fromEntries(linked);
  }

  #readable(request: Request): readonly Endpoint[] {
    if (this.#isTrusted(request) && this.#access.acceptsHost(request)) return this.#endpoints;
    return this.#endpoints.filter((endpoint) => endpoint.probe || this.#isFree(endpoint));
  }

  #isTrusted(request: Request): boolean {
    const { local, authenticated } = this.#access.identify(request.headers);
    return local || authenticated || this.#access.open;
  }

  #isFree(endpoint: Endpoint): boolean {
    const { open } = this.#options;
    return open.includes(endpoint.path) || open.includes(this.#pathOf(endpoint));
  }

  #pathOf({ path }: Endpoint): string {
    return this.#options.prefix + path;
  }
}
