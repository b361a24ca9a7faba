import type { IncomingMessage, ServerResponse } from 'node:http';
import type { NodeHandler } from '../node-handler.ts';
import type { Heart } from './heart.ts';
import type { Probed, Site, ToMain, Written } from './messages.ts';
import { probeOf } from './probe-key.ts';
import type { Shared } from './shared.ts';

/** How old a kept answer may be, whatever is changed without our being told. Milliseconds. */
const FRESH_MS = 400;
/**
 * How long a probe waits for a main thread that does not run: less than the second after which a kubelet gives up on its own.
 * Milliseconds.
 */
export const PROBE_PATIENCE_MS = 750;

interface Kept {
  readonly written: Written;
  readonly slot: number;
  readonly version: number;
  readonly at: number;
}

interface Waiting {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly site: Site;
}

/** Answers probes in the listener's thread from what the main thread made a moment ago, and asks it for what is not there. */
export class ProbeDesk {
  readonly #paths: ReadonlySet<string>;
  readonly #shared: Shared;
  readonly #heart: Heart;
  readonly #post: (message: ToMain) => void;
  readonly #next: (site: Site) => NodeHandler;
  readonly #kept = new Map<string, Kept>();
  /** Who waits for the same answer: it is asked for once. */
  readonly #waiting = new Map<string, Waiting[]>();

  /** @param next - takes the requests that are not for here */
  constructor(init: {
    readonly paths: ReadonlySet<string>;
    readonly shared: Shared;
    readonly heart: Heart;
    readonly post: (message: ToMain) => void;
    readonly next: (site: Site) => NodeHandler;
  }) {
    this.#paths = init.paths;
    this.#shared = init.shared;
    this.#heart = init.heart;
    this.#post = init.post;
    this.#next = init.next;
  }

  /** Takes a request if it is a plain probe; false leaves it to others. */
  take(site: Site, req: IncomingMessage, res: ServerResponse): boolean {
    const probe = probeOf(req, this.#paths);
    if (probe === undefined) return false;
    const key = `${site} ${probe.key}`;
    const kept = this.#kept.get(key);
    if (kept !== undefined && this.#isFresh(kept)) {
      this.#shared.hit(kept.slot);
      write(req, res, kept.written);
      return true;
    }
    const waiting = this.#waiting.get(key);
    if (waiting !== undefined) {
      waiting.push({ req, res, site });
      return true;
    }
    const asked = this.#heart.silentMs < PROBE_PATIENCE_MS ? probe.asked(site) : undefined;
    if (asked === undefined) return false;
    this.#waiting.set(key, [{ req, res, site }]);
    this.#post({ kind: 'probe', key, asked });
    return true;
  }

  /** Keeps an answer and gives it to those who wait for it. */
  receive({ key, written, slot, version }: Probed): void {
    if (written !== undefined && slot !== undefined) {
      this.#kept.set(key, { written, slot, version, at: performance.now() });
    }
    const waiting = this.#waiting.get(key) ?? [];
    this.#waiting.delete(key);
    for (const { req, res, site } of waiting) {
      if (written === undefined) void this.#next(site)(req, res);
      else write(req, res, written);
    }
  }

  forget(key: string): void {
    this.#kept.delete(key);
  }

  /** Nobody waits longer than a prober would; the others say what is known then. */
  tick(): void {
    if (this.#heart.silentMs < PROBE_PATIENCE_MS) return;
    const all = [...this.#waiting.values()].flat();
    this.#waiting.clear();
    for (const { req, res, site } of all) void this.#next(site)(req, res);
  }

  #isFresh({ version, at }: Kept): boolean {
    return version === this.#shared.version && performance.now() - at <= FRESH_MS;
  }
}

const write = (req: IncomingMessage, res: ServerResponse, { status, headers, body }: Written): void => {
  res.writeHead(status, headers as string[]);
  res.end(req.method === 'HEAD' ? undefined : body);
};
