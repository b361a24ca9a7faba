import { labelText, wellFormed } from '../expose/escape.ts';

type Node = Map<string, Node | number>;

/** Label value of the series that takes what the limit keeps out. */
export const OTHER = '(other)';

/**
 * Finds the row of a tuple of label values. One map per label, nested: no joined key, so no separator that a value
 * could contain, and nothing is allocated to look a known
 * series up.
 */
export class SeriesIndex {
  /** Label text of each row. Only ever grows, so a scrape may keep it and remember the length. */
  readonly texts: string[] = [];
  readonly #names: readonly string[];
  readonly #limit: number;
  readonly #onLimit: () => void;
  readonly #root: Node = new Map();
  #overflow: number | undefined;

  /**
   * @param names - label names
   * @param limit - series beyond this many share one, all of whose label values are `(other)`
   * @param onLimit - called once, when that happens first
   */
  constructor(names: readonly string[], limit: number, onLimit: () => void) {
    this.#names = names;
    this.#limit = limit;
    this.#onLimit = onLimit;
  }

  get size(): number {
    return this.texts.length;
  }

  /** Whether series may be made in advance, at zero: they must never be what pushes the real ones over the limit. */
  get roomy(): boolean {
    return this.texts.length * 2 < this.#limit;
  }

  /** The row of these label values, one each and in order; made if it is new. */
  row(values: readonly string[]): number {
    return this.#find(values) ?? this.#create(values.map(wellFormed));
  }

  #find(values: readonly string[]): number | undefined {
    if (this.#names.length === 0) return this.texts.length === 0 ? undefined : 0;
    let node: Node | number | undefined = this.#root;
    for (let i = 0; i < values.length && node !== undefined; i++) {
      node = (node as Node).get(values[i] as string);
    }
    return node as number | undefined;
  }

  #create(values: readonly string[]): number {
    const known = this.#find(values);
    if (known !== undefined) return known;
    if (this.texts.length < this.#limit) return this.#insert(values);
    if (this.#overflow === undefined) {
      const others = this.#names.map(() => OTHER);
      this.#overflow = this.#find(others) ?? this.#insert(others);
      this.#onLimit();
    }
    return this.#overflow;
  }

  #insert(values: readonly string[]): number {
    const row = this.texts.length;
    let node = this.#root;
    for (let i = 0; i < values.length - 1; i++) {
      const value = values[i] as string;
      let next = node.get(value) as Node | undefined;
      if (next === undefined) {
        next = new Map();
        node.set(value, next);
      }
      node = next;
    }
    if (values.length > 0) node.set(values[values.length - 1] as string, row);
    this.texts.push(labelText(this.#names, values));
    return row;
  }
}
