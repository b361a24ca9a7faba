import { labelText, plainLabelText, special, wellFormed } from '../expose/escape.ts';
import type { LabelSource } from '../family.ts';

/** A row where only one series begins like this; its other values are compared. */
type Node = Map<string, Node | number>;
/** Values that labels may have, by label; a label that is not here may have any. */
export type AllowedValues = Readonly<Record<string, readonly string[]>>;

/** Label value of the series that takes what the limit keeps out. */
export const OTHER = '(other)';

/** UTF-16 units of a label value that are kept: series are few, so this bounds memory too. */
const MAX_VALUE = 4096;

/** The beginning of a value that is too long. Through bytes, since a slice of a string keeps the whole of it alive. */
const cut = (value: string): string =>
  value.length <= MAX_VALUE ? value : Buffer.from(wellFormed(value.slice(0, MAX_VALUE))).toString();

/**
 * Finds the row of a tuple of label values. One map per label, nested, where several series begin alike: no joined key, so no separator that a value
 * could contain, and nothing is allocated to look a known series up. Values are kept once, in one list for all series; their text is made at the scrape.
 */
export class SeriesIndex implements LabelSource {
  readonly #names: readonly string[];
  readonly #limit: number;
  readonly #onLimit: () => void;
  readonly #allowed: readonly (ReadonlySet<string> | undefined)[] | undefined;
  readonly #root: Node = new Map();
  /** Of all rows, one after the other. Only ever grows, so a scrape need not copy it. */
  readonly #values: string[] = [];
  #size = 0;
  /** No value so far has anything that must be escaped. */
  #plain = true;
  #overflow: number | undefined;

  /**
   * @param names - label names
   * @param limit - series beyond this many share one, all of whose label values are `(other)`
   * @param onLimit - called once, when that happens first
   * @param allowed - any other value counts as `(other)`
   */
  constructor(names: readonly string[], limit: number, onLimit: () => void, allowed: AllowedValues = {}) {
    this.#names = names;
    this.#limit = limit;
    this.#onLimit = onLimit;
    const sets = names.map((name) => (Object.hasOwn(allowed, name) ? new Set(allowed[name]) : undefined));
    this.#allowed = sets.some((set) => set !== undefined) ? sets : undefined;
  }

  get size(): number {
    return this.#size;
  }

  /** Whether series may be made in advance, at zero: they must never be what pushes the real ones over the limit. */
  get roomy(): boolean {
    return this.#size * 2 < this.#limit;
  }

  /** The row of these label values, one each and in order; made if it is new. */
  row(values: readonly string[]): number {
    return this.#find(values) ?? this.#create(values.map((value, i) => this.#kept(value, i)));
  }

  /**
   * The row of labels by name, or -1 where there is none yet, or they are not exactly ours in our order. For what is updated again and again: reading an object's members in its
   * own order is several times as fast as asking for them by name.
   */
  known(labels: Readonly<Record<string, unknown>>): number {
    const names = this.#names;
    const count = names.length;
    let node: Node | number = this.#root;
    let i = 0;
    for (const name in labels) {
      if (name !== names[i]) return -1;
      const value = labels[name];
      if (typeof node === 'number') {
        if (this.#values[node * count + i] !== value) return -1;
      } else {
        const next: Node | number | undefined = node.get(value as string);
        if (next === undefined) return -1;
        node = next;
      }
      i++;
    }
    if (i !== count) return -1;
    if (typeof node === 'number') return node;
    return count === 0 && this.#size > 0 ? 0 : -1;
  }

  textOf(row: number): string {
    const count = this.#names.length;
    const text = this.#plain ? plainLabelText : labelText;
    return text(this.#names, this.#values, row * count);
  }

  forEach(row: number, take: (name: string, value: string) => void): void {
    const names = this.#names;
    const start = row * names.length;
    for (let i = 0; i < names.length; i++) take(names[i] as string, this.#values[start + i] as string);
  }

  #kept(value: string, label: number): string {
    const allowed = this.#allowed?.[label];
    return allowed === undefined || allowed.has(value) ? wellFormed(cut(value)) : OTHER;
  }

  #find(values: readonly string[]): number | undefined {
    const count = this.#names.length;
    if (count === 0) return this.#size === 0 ? undefined : 0;
    let node = this.#root;
    for (let i = 0; i < count; i++) {
      const next = node.get(values[i] as string);
      if (next === undefined) return undefined;
      if (typeof next === 'number') return this.#endsWith(next, values, i + 1) ? next : undefined;
      node = next;
    }
    return undefined;
  }

  #endsWith(row: number, values: readonly string[], from: number): boolean {
    const start = row * this.#names.length;
    for (let i = from; i < this.#names.length; i++) {
      if (this.#values[start + i] !== values[i]) return false;
    }
    return true;
  }

  #create(values: readonly string[]): number {
    const known = this.#find(values);
    if (known !== undefined) return known;
    if (this.#size < this.#limit) return this.#insert(values);
    if (this.#overflow === undefined) {
      const others = this.#names.map(() => OTHER);
      this.#overflow = this.#find(others) ?? this.#insert(others);
      this.#onLimit();
    }
    return this.#overflow;
  }

  #insert(values: readonly string[]): number {
    const row = this.#size++;
    this.#values.push(...values);
    if (this.#plain) this.#plain = !values.some((value) => special.test(value));
    let node = this.#root;
    for (let i = 0; i < values.length; i++) {
      const value = values[i] as string;
      const next = node.get(value);
      if (next === undefined) {
        node.set(value, row);
        break;
      }
      if (typeof next === 'number') {
        // Two begin alike from here on: they part at the next label, or further on.
        const fork: Node = new Map([[this.#values[next * values.length + i + 1] as string, next]]);
        node.set(value, fork);
        node = fork;
      } else node = next;
    }
    return row;
  }
}
