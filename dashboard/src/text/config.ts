/** The configuration in force, as the server shows it. */
export interface ConfigView {
  readonly version: number;
  readonly file: string | null;
  readonly config: Readonly<Record<string, unknown>>;
  readonly drift: readonly Drift[];
  readonly restart_required: readonly string[];
  readonly live: readonly string[];
  readonly origins: Readonly<Record<string, string>>;
  readonly last_reload: { readonly successful: boolean; readonly success_at: number } | null;
}

/** A key whose value in force is not the one that was configured. */
export interface Drift {
  readonly path: string;
  readonly from?: unknown;
  readonly to?: unknown;
  readonly live?: boolean;
}

/** One key with its value. */
export interface Setting {
  readonly path: string;
  readonly value: string;
  /** Where it comes from; null for a default. */
  readonly origin: string | null;
  /** Whether it can change without a restart. */
  readonly live: boolean;
}

/** A value on one line. */
export const valueText = (value: unknown): string => {
  if (value === undefined || value === null) return 'unset';
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? 'unset');
};

const isBranch = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0;

/** The value of the key itself or of the nearest above it: origins are told where they were written. */
const above = <T>(path: string, find: (key: string) => T | undefined): T | undefined => {
  for (let key = path; key !== ''; key = key.slice(0, Math.max(0, key.lastIndexOf('.')))) {
    const found = find(key);
    if (found !== undefined) return found;
  }
  return undefined;
};

/** All keys in the order in which they stand. */
export const settingsOf = ({ config, origins, live }: ConfigView): readonly Setting[] => {
  const lives = new Set(live);
  const settings: Setting[] = [];
  const walk = (branch: Readonly<Record<string, unknown>>, base: string): void => {
    for (const [key, value] of Object.entries(branch)) {
      const path = base === '' ? key : `${base}.${key}`;
      if (isBranch(value)) walk(value, path);
      else
        settings.push({
          path,
          value: valueText(value),
          origin: above(path, (name) => (Object.hasOwn(origins, name) ? origins[name] : undefined)) ?? null,
          live: above(path, (name) => (lives.has(name) ? true : undefined)) ?? false,
        });
    }
  };
  walk(config, '');
  return settings;
};
