/**
 * Where single values came from when not from the file: `gateway.port` → `--port`. Messages then name what the user wrote, not
 * the option behind it.
 */
export type Origins = Map<string, string>;

/** The key of a path in {@link Origins}. */
export const originKey = (path: readonly PropertyKey[]): string => path.map(String).join('.');

/**
 * Sets a value deep inside options, making the objects on the way.
 *
 * Where something that is no object stands in the way it stays, for the validation to name it.
 */
export const put = (
  options: Record<string, unknown>,
  origins: Origins,
  path: readonly string[],
  value: unknown,
  origin: string,
): void => {
  let at = options;
  for (const key of path.slice(0, -1)) {
    const inner = at[key] ?? {};
    if (!isPlain(inner)) return;
    // A copy: the file's own export may be frozen, or kept by whoever wrote it.
    at[key] = { ...inner };
    at = at[key] as Record<string, unknown>;
  }
  at[path.at(-1) as string] = value;
  origins.set(originKey(path), origin);
};

/** Whether a value is an object with keys to look into. */
export const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof URL);
