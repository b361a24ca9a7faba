const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]*$/;

const step = (key: string | number): string => {
  if (typeof key === 'number') return `[${key}]`;
  return IDENTIFIER.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
};

/** One walk over one result: copies only the containers on the way to something JSON has no form for. */
class Walk {
  readonly lossy: string[] = [];
  readonly #root: string;
  readonly #path: (string | number)[] = [];

  constructor(root: string) {
    this.#root = root;
  }

  /** Notes the place of a value. Paths are spelt out only here, so a plain result pays for none. */
  #note(): void {
    this.lossy.push(this.#root + this.#path.map(step).join(''));
  }

  visit(value: unknown): unknown {
    if (typeof value === 'number') {
      if (Number.isFinite(value)) return value;
      this.#note();
      return null;
    }
    if (typeof value === 'bigint') {
      this.#note();
      return value.toString();
    }
    return typeof value === 'object' && value !== null ? this.#object(value) : value;
  }

  #object(value: object): unknown {
    if (Array.isArray(value)) return this.#array(value);
    if (value instanceof Uint8Array) {
      this.#note();
      return { $bytes: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64') };
    }
    if (value instanceof Date) {
      // A valid one JSON.stringify writes as RFC 3339, an invalid one as null.
      if (Number.isNaN(value.getTime())) this.#note();
      return value;
    }
    return this.#record(value as Record<string, unknown>);
  }

  #array(list: readonly unknown[]): readonly unknown[] {
    let copy: unknown[] | undefined;
    for (let i = 0; i < list.length; i++) {
      const before = list[i];
      // The bulk of large results, tensors and texts, needs no more than this look.
      if (typeof before === 'string' || Number.isFinite(before)) continue;
      this.#path.push(i);
      const after = this.visit(before);
      this.#path.pop();
      if (after !== before) {
        copy ??= list.slice();
        copy[i] = after;
      }
    }
    return copy ?? list;
  }

  #record(record: Record<string, unknown>): Record<string, unknown> {
    let copy: Record<string, unknown> | undefined;
    for (const key of Object.keys(record)) {
      const before = record[key];
      if (typeof before === 'string' || Number.isFinite(before)) continue;
      this.#path.push(key);
      const after = this.visit(before);
      this.#path.pop();
      if (after !== before) {
        copy ??= { ...record };
        // Not an assignment: to a key named __proto__ that would set the prototype.
        Object.defineProperty(copy, key, { value: after, enumerable: true });
      }
    }
    return copy ?? record;
  }
}

/** A value ready for JSON.stringify. */
export interface ResultJson {
  readonly value: unknown;
  /** Paths of what JSON could not hold as it was, e.g. `$.items[0]`. */
  readonly lossy: readonly string[];
}

/**
 * Prepares a result for JSON: BigInt becomes a string, NaN and the infinities null, bytes `{"$bytes": "base64"}`; these places are
 * listed. Dates become RFC 3339 strings and are not listed.
 *
 * @param root - how the listed paths start
 */
export const toResultJson = (value: unknown, root = '$'): ResultJson => {
  const walk = new Walk(root);
  // A command without a result still has the member in its answer.
  const prepared = walk.visit(value ?? null);
  return { value: prepared, lossy: walk.lossy };
};
