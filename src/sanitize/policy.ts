import { isCardNumber } from './detectors/numbers.ts';
import { isHidden, KeyRules, type Verdict } from './keys.ts';
import { isFolder } from './looks.ts';
import { createMasker, MASK, type Masker } from './mask.ts';
import type { SanitizerOptions } from './options.ts';
import { type Cursor, cursorOf } from './paths.ts';
import { Scanner } from './scanner.ts';

const MAX_LABEL = 128;
const MAX_REMEMBERED = 2000;
const SMALLEST_CARD = 1e13;
const cardName = /card|(?:^|[_-])(?:pan|cc)(?:$|[_-])/i;

const pathsOf = (paths: readonly string[] | undefined): Cursor | undefined =>
  paths === undefined || paths.length === 0 ? undefined : cursorOf(paths);

/** What is known of a key: how it is shown, and what it says of what stands under it. */
export interface KeyFacts {
  readonly label: string;
  readonly verdict: Verdict;
}

/** All three layers of one sanitizer: what is masked and how. */
export class Policy {
  readonly keys: KeyRules;
  readonly mask: Masker;
  /** Where a walk begins in the paths that are masked, and in those that are shown. */
  readonly masked: Cursor | undefined;
  readonly shown: Cursor | undefined;
  readonly #scanner: Scanner;
  readonly #env: boolean;
  readonly #facts = new Map<string, KeyFacts>();

  constructor(options: SanitizerOptions) {
    this.keys = new KeyRules(options.keys, options.allow?.keys);
    this.mask = createMasker(options.replacement ?? MASK, options.hashKey);
    this.masked = pathsOf(options.paths);
    this.shown = pathsOf(options.allow?.paths);
    this.#scanner = new Scanner(options, this.keys, this.mask);
    this.#env = options.env === true;
  }

  /** A text fit to be shown, cut to about `max` characters. */
  text(text: string, max: number): string {
    return this.#scanner.text(text, max);
  }

  /** Whether what stands under `key` is masked; `parent` is the key of the object around it. */
  hides(key: string, value: unknown, parent: string | undefined): boolean {
    return this.judges(key, this.facts(key), value, parent);
  }

  /** {@link Policy.hides} where the facts of the key are known already. */
  judges(key: string, { verdict }: KeyFacts, value: unknown, parent: string | undefined): boolean {
    if (this.#env && parent === 'env') return true;
    if (typeof value === 'number' && value >= SMALLEST_CARD && cardName.test(key) && isCardNumber(value))
      return true;
    return (
      isHidden(verdict, value) &&
      !(typeof value === 'string' && isFolder(key, value)) &&
      !this.#isAllowed(value)
    );
  }

  /** What stands in place of a value. A container has no text that could be hashed. */
  masking(value: unknown): string {
    // What passes a second sink stays as the first has left it.
    if (typeof value === 'string') return this.mask.made(value) ? value : this.mask(value);
    return typeof value === 'number' ? this.mask(String(value)) : this.mask.plain;
  }

  /** Facts of a key, remembered: the keys of a program are few. */
  facts(key: string): KeyFacts {
    const known = this.#facts.get(key);
    if (known !== undefined) return known;
    const facts = { label: this.text(key, MAX_LABEL), verdict: this.keys.verdict(key) };
    // A key that is itself a secret is not kept.
    if (facts.label === key) {
      if (this.#facts.size >= MAX_REMEMBERED) this.#facts.clear();
      this.#facts.set(key, facts);
    }
    return facts;
  }

  /** A key fit to be shown: a secret used as a key is masked like any other, an endless one is cut. */
  label(key: string): string {
    return this.facts(key).label;
  }

  #isAllowed(value: unknown): boolean {
    return typeof value === 'string' && this.#scanner.allowed?.(value) === true;
  }
}

/** The rules that hold where nobody has configured others. */
export const defaultPolicy = new Policy({});
