import { isCardNumber } from './detectors/numbers.ts';
import { KeyRules } from './keys.ts';
import { createMasker, MASK, type Masker } from './mask.ts';
import type { SanitizerOptions } from './options.ts';
import { type Cursor, Paths } from './paths.ts';
import { Scanner } from './scanner.ts';

const MAX_LABEL = 128;
const MAX_REMEMBERED = 2000;
const SMALLEST_CARD = 1e13;
const cardName = /card|(?:^|[_-])(?:pan|cc)(?:$|[_-])/i;

const pathsOf = (paths: readonly string[] | undefined): Cursor | undefined =>
  paths === undefined || paths.length === 0 ? undefined : new Paths(paths).start;

/** All three layers of one sanitizer: what is masked and how. */
export class Policy {
  readonly keys: KeyRules;
  readonly mask: Masker;
  /** Where a walk begins in the paths that are masked, and in those that are shown. */
  readonly masked: Cursor | undefined;
  readonly shown: Cursor | undefined;
  readonly #scanner: Scanner;
  readonly #env: boolean;
  readonly #labels = new Set<string>();

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
    if (this.#env && parent === 'env') return true;
    if (typeof value === 'number' && value >= SMALLEST_CARD && cardName.test(key) && isCardNumber(value))
      return true;
    return this.keys.hides(key, value) && !this.#isAllowed(value);
  }

  /** What stands in place of a value. A container has no text that could be hashed. */
  masking(value: unknown): string {
    if (typeof value === 'string') return this.mask(value);
    return typeof value === 'number' ? this.mask(String(value)) : this.mask.plain;
  }

  /** A key fit to be shown: a secret used as a key is masked like any other, an endless one is cut. */
  label(key: string): string {
    if (this.#labels.has(key)) return key;
    const label = this.text(key, MAX_LABEL);
    if (label === key) {
      if (this.#labels.size >= MAX_REMEMBERED) this.#labels.clear();
      this.#labels.add(key);
    }
    return label;
  }

  #isAllowed(value: unknown): boolean {
    return typeof value === 'string' && this.#scanner.allowed?.(value) === true;
  }
}
