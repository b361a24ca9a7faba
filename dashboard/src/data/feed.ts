/** A stream of server-sent events that looks after itself. */

export type FeedState =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'live' }
  | { readonly kind: 'stale'; readonly since: number }
  | { readonly kind: 'login' }
  | { readonly kind: 'closed' };

export interface FeedParts {
  /** Asked at each opening, so that what is wanted may change. */
  readonly url: () => string;
  readonly events: readonly string[];
  readonly onMessage: (name: string, data: string, id: string) => void;
  readonly onState: (state: FeedState) => void;
  /** After so long without a word the stream counts as broken, ms. Without it silence is fine. */
  readonly silenceMs?: number;
  /** Leaves reconnecting to the browser while it can: it resumes with Last-Event-ID. */
  readonly keepLastId?: boolean;
  /** When the stream that this one replaces was heard last, by this browser's clock. */
  readonly heardAt?: number | null;
  /** Tells whether a stream that did not open is for want of a login. */
  readonly needsLogin?: () => Promise<boolean>;
}

export interface Feed {
  close(): void;
}

const LONGEST_PAUSE_MS = 15_000;
/** A short look at another tab is no reason to begin anew. */
const HIDDEN_MS = 2000;

/** Pause before the next try, ms: doubled from try to try, and never the same for all viewers. */
export const pauseMs = (tries: number, random: () => number = Math.random): number =>
  Math.min(LONGEST_PAUSE_MS, 500 * 2 ** Math.min(tries, 6)) * (0.5 + random() / 2);

class SelfRepairingFeed implements Feed {
  readonly #parts: FeedParts;
  #source: EventSource | null = null;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #silence: ReturnType<typeof setTimeout> | undefined;
  #hiding: ReturnType<typeof setTimeout> | undefined;
  #tries = 0;
  #heardAt: number | null = null;
  #over = false;

  constructor(parts: FeedParts) {
    this.#parts = parts;
    this.#heardAt = parts.heardAt ?? null;
    document.addEventListener('visibilitychange', this.#onVisibility);
    this.#open();
  }

  close(): void {
    this.#over = true;
    document.removeEventListener('visibilitychange', this.#onVisibility);
    clearTimeout(this.#retry);
    clearTimeout(this.#hiding);
    this.#shut();
  }

  #shut(): void {
    clearTimeout(this.#silence);
    this.#source?.close();
    this.#source = null;
  }

  #open(): void {
    if (this.#over) return;
    this.#shut();
    clearTimeout(this.#retry);
    const source = new EventSource(this.#parts.url());
    this.#source = source;
    if (!this.#isFresh()) this.#tellTrouble();
    for (const name of this.#parts.events) {
      source.addEventListener(name, (event) => {
        if (this.#source !== source) return;
        this.#heard();
        this.#parts.onMessage(name, String(event.data), event.lastEventId);
      });
    }
    source.onopen = () => this.#parts.silenceMs === undefined && this.#heard();
    source.onerror = () => this.#source === source && this.#failed(source);
    this.#watch();
  }

  #heard(): void {
    this.#heardAt = Date.now();
    this.#tries = 0;
    this.#parts.onState({ kind: 'live' });
    this.#watch();
  }

  /** A connection that is up and says nothing is no better than none. */
  #watch(): void {
    clearTimeout(this.#silence);
    const { silenceMs } = this.#parts;
    if (silenceMs !== undefined) this.#silence = setTimeout(() => this.#again(), silenceMs);
  }

  #failed(source: EventSource): void {
    this.#tellTrouble();
    if (this.#parts.keepLastId && source.readyState === EventSource.CONNECTING) return;
    this.#again();
  }

  #again(): void {
    this.#shut();
    this.#tellTrouble();
    this.#tries += 1;
    void this.#parts.needsLogin?.().then((needed) => {
      if (needed && !this.#over && this.#source === null) this.#parts.onState({ kind: 'login' });
    });
    this.#retry = setTimeout(() => this.#open(), pauseMs(this.#tries));
  }

  /** What was heard last still counts as that of now. */
  #isFresh(): boolean {
    return this.#heardAt !== null && Date.now() - this.#heardAt < (this.#parts.silenceMs ?? 0);
  }

  #tellTrouble(): void {
    this.#parts.onState(
      this.#heardAt === null ? { kind: 'connecting' } : { kind: 'stale', since: this.#heardAt },
    );
  }

  /** A browser has six connections to a host: a tab that nobody looks at gives its own back. */
  readonly #onVisibility = (): void => {
    clearTimeout(this.#hiding);
    if (document.visibilityState === 'visible') {
      if (this.#source === null) this.#open();
      return;
    }
    this.#hiding = setTimeout(() => {
      clearTimeout(this.#retry);
      this.#shut();
    }, HIDDEN_MS);
  };
}

export const openFeed = (parts: FeedParts): Feed => new SelfRepairingFeed(parts);
