/** Vocabulary in which the catalogue describes a field; types and the reference page are both read from it. */

export interface Field<T = unknown> {
  readonly type: 'number' | 'string' | 'boolean' | 'object';
  /** Unit of a number: `ms`, `bytes`, `MiB`, or empty for a count. */
  readonly unit?: string;
  readonly about: string;
  readonly optional?: true;
  /** Never set: carries the TypeScript type. */
  readonly _?: T;
}

export type Fields = Readonly<Record<string, Field>>;

const field =
  <T>(type: Field['type'], unit?: string) =>
  (about: string): Field<T> => ({ type, about, ...(unit !== undefined && { unit }) });

export const ms = field<number>('number', 'ms');
export const bytes = field<number>('number', 'bytes');
export const mebibytes = field<number>('number', 'MiB');
export const count = field<number>('number');
export const text = field<string>('string');
export const flag = field<boolean>('boolean');
/** A structured value of type `T`. */
export const value = <T = unknown>(about: string): Field<T> => field<T>('object')(about);
/** One word out of a few. */
export const word = <T extends string>(about: string): Field<T> => field<T>('string')(about);
/** The same field, but it may be missing. */
export const maybe = <T>(inner: Field<T>): Field<T> & { readonly optional: true } => ({
  ...inner,
  optional: true,
});

type RequiredKeys<F extends Fields> = {
  [K in keyof F]: F[K] extends { optional: true } ? never : K;
}[keyof F];
type OptionalKeys<F extends Fields> = Exclude<keyof F, RequiredKeys<F>>;
type ValueOf<F> = F extends Field<infer T> ? T : never;

/** The object type that a set of fields describes. */
export type Shape<F extends Fields> = { [K in RequiredKeys<F>]: ValueOf<F[K]> } & {
  [K in OptionalKeys<F>]?: ValueOf<F[K]> | undefined;
};
