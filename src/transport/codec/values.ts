/**
 * Which values may cross to Python, after the table in proto/PROTOCOL.md. One walk checks an outgoing value and, only where
 * something must change, copies it; the caller's object is never touched.
 */

/** An argument or a result nested deeper than this is refused, on both sides; a cycle ends here too. The map of arguments does not count. */
export const MAX_DEPTH = 128;
const MIN_INT64 = -(2n ** 63n);
const MAX_UINT64 = 2n ** 64n - 1n;

/** A value that cannot cross, with its place. */
export class UnserializableValue extends Error {
  readonly path: string;
  constructor(path: string, why: string) {
    super(`${path} ${why}`);
    this.path = path;
  }
}

/** A checked value. */
export interface Prepared {
  readonly value: unknown;
  /** Whether it holds anything JSON has no form for, so that the JSON codec must rewrite it. */
  readonly tagged: boolean;
}

const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]*$/;

const pathOf = (keys: readonly (string | number)[]): string => {
  let path = '$';
  for (const key of keys) {
    if (typeof key === 'number') path += `[${key}]`;
    else path += IDENTIFIER.test(key) ? `.${key}` : `[${JSON.stringify(key.slice(0, 64))}]`;
  }
  return path;
};

class Walk {
  tagged = false;
  readonly #path: (string | number)[] = [];

  visit(value: unknown, key: string | number | undefined): unknown {
    switch (typeof value) {
      case 'string':
        if (!value.isWellFormed())
          this.#refuse(key, 'is a string with a lone surrogate: use toWellFormed(), or send bytes');
        return value;
      case 'number':
        return this.#number(value);
      case 'boolean':
        return value;
      case 'undefined':
        return null;
      case 'bigint':
        if (value < MIN_INT64 || value > MAX_UINT64)
          this.#refuse(key, 'is an integer wider than 64 bits: send it as a string');
        this.tagged = true;
        return value;
      case 'object':
        return value === null ? null : this.#object(value, key);
      default:
        return this.#refuse(key, `is a ${typeof value}: only data can be sent`);
    }
  }

  #number(value: number): number | bigint {
    if ((value | 0) === value) return value;
    if (Number.isSafeInteger(value)) {
      // The MessagePack library writes integers beyond 32 bits as floats, and Python would see 1099511627776.0.
      if (value > 0xffffffff || value < -0x80000000) {
        this.tagged = true;
        return BigInt(value);
      }
    } else if (!Number.isFinite(value)) this.tagged = true;
    return value;
  }

  #object(value: object, key: string | number | undefined): unknown {
    if (Array.isArray(value)) return this.#enter(value, key, this.#array);
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype === Object.prototype || prototype === null) return this.#enter(value, key, this.#record);
    if (value instanceof Uint8Array) {
      this.tagged = true;
      return value;
    }
    if (value instanceof Date) {
      if (Number.isNaN(value.getTime())) this.#refuse(key, 'is an invalid Date');
      this.tagged = true;
      return value;
    }
    return this.#refuse(key, refusal(value));
  }

  #enter<T extends object>(value: T, key: string | number | undefined, walk: (value: T) => T): T {
    if (key !== undefined) this.#path.push(key);
    if (this.#path.length > MAX_DEPTH) {
      throw new UnserializableValue(
        `${pathOf(this.#path.slice(0, 4))}…`,
        `is cyclic, or nested more than ${MAX_DEPTH} levels deep`,
      );
    }
    const result = walk.call(this, value);
    if (key !== undefined) this.#path.pop();
    return result;
  }

  #array(list: unknown[]): unknown[] {
    let copy: unknown[] | undefined;
    for (let i = 0; i < list.length; i++) {
      const before = list[i];
      const after = this.visit(before, i);
      if (after !== before) {
        copy ??= list.slice();
        copy[i] = after;
      }
    }
    return copy ?? list;
  }

  #record(record: object): object {
    const source = record as Record<string, unknown>;
    let copy: Record<string, unknown> | undefined;
    for (const key of Object.keys(source)) {
      const before = source[key];
      if (!key.isWellFormed()) this.#refuse(undefined, 'has a key with a lone surrogate');
      if (key.charCodeAt(0) === 36) this.tagged = true;
      if (before === undefined) continue;
      const after = this.visit(before, key);
      if (after !== before) {
        copy ??= { ...source };
        copy[key] = after;
      }
    }
    return copy ?? record;
  }

  #refuse(key: string | number | undefined, why: string): never {
    throw new UnserializableValue(pathOf(key === undefined ? this.#path : [...this.#path, key]), why);
  }
}

const refusal = (value: object): string => {
  if (value instanceof Map) return 'is a Map: use Object.fromEntries()';
  if (value instanceof Set) return 'is a Set: use an array';
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) {
    return `is a ${value.constructor.name}: send new Uint8Array(…) for bytes, Array.from(…) for numbers`;
  }
  return `is an instance of ${value.constructor?.name ?? 'a class'}: only plain objects, arrays, Uint8Array and Date can be sent`;
};

/**
 * Checks a value before it is sent.
 *
 * @throws UnserializableValue with the path of the first part that cannot cross
 */
export const prepare = (value: unknown): Prepared => {
  const walk = new Walk();
  const prepared = walk.visit(value, undefined);
  return { value: prepared, tagged: walk.tagged };
};
