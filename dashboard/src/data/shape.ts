/** Reading of what came over the wire: a frame of another version must not take the page down. */

export type Raw = Readonly<Record<string, unknown>>;

export const raw = (value: unknown): Raw =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Raw) : {};

export const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

export const number = (value: unknown): number | null =>
  typeof value === 'number' && Number.isFinite(value) ? value : null;

export const text = (value: unknown): string | null => (typeof value === 'string' ? value : null);

export const one = <T extends string>(value: unknown, allowed: readonly T[], otherwise: T): T =>
  allowed.find((each) => each === value) ?? otherwise;

/** The object with each of its values read. */
export const mapValues = <T>(value: unknown, read: (value: unknown) => T): Record<string, T> =>
  Object.fromEntries(Object.entries(raw(value)).map(([key, each]) => [key, read(each)]));

/** An object of these keys, each read by the same reader. */
export const pick = <K extends string, T>(
  value: unknown,
  keys: readonly K[],
  read: (value: unknown) => T,
): Record<K, T> => {
  const source = raw(value);
  return Object.fromEntries(keys.map((key) => [key, read(source[key])])) as Record<K, T>;
};

/** What a text says as JSON, undefined where it is none. */
export const json = (source: string): unknown => {
  try {
    return JSON.parse(source);
  } catch {
    return undefined;
  }
};
