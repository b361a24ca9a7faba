import { randomBytes } from 'node:crypto';

/** Makes a secret of one kind around a marker; `looked` is what it is known by where the marker itself is encoded away. */
type Kind = (marker: string) => { readonly text: string; readonly looked?: string };

const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** Every layer and every way of writing a secret down that is common: by its form, by the name beside it, within another text. */
const kinds: Readonly<Record<string, Kind>> = {
  'provider key': (marker) => ({ text: `ghp_${marker}${marker}` }),
  bearer: (marker) => ({ text: `Authorization: Bearer ${marker}` }),
  basic: (marker) => {
    const looked = base64(`ann:${marker}`);
    return { text: `Basic ${looked}`, looked };
  },
  jwt: (marker) => ({ text: `eyJhbGciOiJIUzI1NiJ9.${base64('{"sub":"7"}').replace(/=+$/, '')}.${marker}` }),
  'connection string': (marker) => ({ text: `postgres://app:${marker}@db.internal:5432/data` }),
  'query string': (marker) => ({ text: `https://api.example/v1?page=2&token=${marker}` }),
  cookie: (marker) => ({ text: `Cookie: theme=dark; sid=${marker}` }),
  pem: (marker) => ({ text: `-----BEGIN PRIVATE KEY-----\\n${marker}\\n-----END PRIVATE KEY-----` }),
  json: (marker) => ({ text: JSON.stringify({ body: JSON.stringify({ password: marker }) }) }),
  python: (marker) => ({ text: `{'api_key': '${marker}', 'n': None}` }),
  argv: (marker) => ({ text: `deploy --password ${marker} --verbose` }),
};
const names = Object.keys(kinds);

/** Which secret has reached which sink. */
export interface CanaryLeak {
  readonly kind: string;
  readonly sink: string;
}

const MARKER_BYTES = 8;

/**
 * Fake secrets that are put into what is about to be sanitized, and looked for in what has left: a proof, while the program runs, that
 * nothing goes around the sanitizer. Random, so that nobody can have them for another reason.
 */
export class Canary {
  readonly #secrets: readonly { readonly kind: string; readonly text: string; readonly looked: string }[];
  readonly #marker = `c4${randomBytes(MARKER_BYTES).toString('hex')}`;
  readonly #needles: readonly string[];
  readonly #told = new Set<string>();
  #next = 0;
  #leaks = 0;
  /** Told of the first leak of each kind in each sink. Must not show the secret, and has not got it. */
  onLeak: ((leak: CanaryLeak) => void) | undefined;

  constructor() {
    this.#secrets = names.map((kind, i) => {
      // All share the start, so that one search finds any of them; the end tells them apart.
      const marker = `${this.#marker}${i.toString(36)}Z`;
      const { text, looked = marker } = (kinds[kind] as Kind)(marker);
      return { kind, text, looked };
    });
    this.#needles = [
      this.#marker,
      ...this.#secrets.map(({ looked }) => looked).filter((looked) => !looked.includes(this.#marker)),
    ];
  }

  /** Times a fake secret was found where none may be. */
  get leaks(): number {
    return this.#leaks;
  }

  /** A field to be sanitized along with the others: one secret by its form, one by its name. */
  seed(): { readonly canary: { readonly note: string; readonly password: string } } {
    const { text } = this.#secrets[this.#next++ % this.#secrets.length] as { text: string };
    return { canary: { note: text, password: this.#marker } };
  }

  /** Looks for the secrets in what leaves through a sink. Never throws. */
  inspect(sink: string, text: string): void {
    if (!this.#needles.some((needle) => text.includes(needle))) return;
    this.#leaks++;
    const kind = this.#secrets.find(({ looked }) => text.includes(looked))?.kind ?? 'password';
    const key = `${sink} ${kind}`;
    if (this.#told.has(key)) return;
    // Put down first: telling is writing a line, which may leak too.
    this.#told.add(key);
    try {
      this.onLeak?.({ kind, sink });
    } catch {
      // Whoever is told cannot be told of that.
    }
  }
}
