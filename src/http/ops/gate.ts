import type { ResolvedOptions } from '../../config/index.ts';
import { type Access, refuseCaller, requireHost, requireToken } from '../access.ts';
import type { ReaderSession } from '../reader-sessions.ts';
import { refuseCrossSite } from './cross-site.ts';
import type { Endpoints, Read, View } from './endpoint.ts';

/** Options of the ops server that the gate needs. */
export type GateOptions = Pick<ResolvedOptions['ops'], 'open' | 'prefix'>;

/** Decides who may read which endpoint, and how much of it, and who may change anything. */
export class Gate {
  readonly #access: Access;
  readonly #options: GateOptions;
  readonly #endpoints: Endpoints;

  constructor(access: Access, options: GateOptions, endpoints: Endpoints) {
    this.#access = access;
    this.#options = options;
    this.#endpoints = endpoints;
  }

  /** @throws Refusal when the caller may not read the endpoint */
  admitRead(request: Request, read: Read): View {
    if (!read.probe) requireHost(this.#access, request);
    const known = this.#isTrusted(request) || this.#isFree(read);
    if (!known && !read.probe && !this.#isOpenShell(read)) throw refuseCaller(this.#access, request.headers);
    // Probes take any Host, so a page that rebinds its name reaches them: it must not learn more than a stranger.
    const details = known && this.#access.acceptsHost(request);
    return { details, links: () => this.#links(request), session: this.#soleSession(request, read) };
  }

  /** @throws Refusal when the caller may not change anything */
  admitChange(request: Request): void {
    requireHost(this.#access, request);
    refuseCrossSite(request);
    requireToken(this.#access, request.headers);
  }

  /** @throws Refusal when the caller may not even learn what a path takes */
  admitOther(request: Request, path: string): void {
    const read = this.#endpoints.reads.find((each) => each.path === path);
    // A path that only changes things is no secret, but strange names for this server still get nothing.
    if (read === undefined) requireHost(this.#access, request);
    else this.admitRead(request, read);
  }

  /** What this caller may ask for. */
  readable(request: Request): readonly string[] {
    requireHost(this.#access, request);
    const reads = this.#readable(request).map(({ path }) => this.#options.prefix + path);
    if (!this.#access.identify(request.headers).authenticated) return reads;
    const changes = this.#endpoints.changes.map(
      ({ method, path }) => `${method} ${this.#options.prefix}${path}`,
    );
    return [...reads, ...changes];
  }

  #links(request: Request): Record<string, string> {
    const linked = this.#readable(request).flatMap(({ link, path }) =>
      link === undefined ? [] : [[link, this.#options.prefix + path]],
    );
    return Object.fromEntries(linked);
  }

  #readable(request: Request): readonly Read[] {
    const { reads } = this.#endpoints;
    if (this.#isTrusted(request) && this.#access.acceptsHost(request)) return reads;
    return reads.filter((read) => read.probe || this.#isFree(read));
  }

  /** @throws Refusal when the caller has no business at the login */
  admitEntrance(request: Request): void {
    requireHost(this.#access, request);
    if (!this.#isTrusted(request) && !this.#access.hasToken)
      throw refuseCaller(this.#access, request.headers);
  }

  #isTrusted(request: Request): boolean {
    const { local, authenticated, reader } = this.#access.identify(request.headers);
    return local || authenticated || reader !== undefined || this.#access.open;
  }

  /** Whoever could log in may see where. */
  #isOpenShell({ shell }: Read): boolean {
    return shell === true && this.#access.hasToken;
  }

  #soleSession(request: Request, read: Read): ReaderSession | undefined {
    const { local, authenticated, reader } = this.#access.identify(request.headers);
    return local || authenticated || this.#access.open || this.#isFree(read) ? undefined : reader;
  }

  #isFree({ path }: Read): boolean {
    const { open, prefix } = this.#options;
    return open.includes(path) || open.includes(prefix + path);
  }
}
