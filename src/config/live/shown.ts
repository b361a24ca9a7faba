import { MASK, sanitizeConfig } from '../../sanitize/index.ts';
import { formatPath, isSecret } from './keys.ts';
import { type Difference, isTree, leaves, type Path, valueAt, withValue } from './trees.ts';

/** A difference as it may be shown: sanitized; null stands for a value that is not there. */
export interface ShownChange {
  /** `logs.level` */
  readonly path: string;
  readonly from: unknown;
  readonly to: unknown;
}

/** A configuration as it may be shown: what the schema marks secret, what looks secret, and environment variables are masked. */
export const shownConfig = (config: object): Record<string, unknown> => {
  let open: unknown = config;
  for (const { path, value } of leaves(config)) {
    if (value !== undefined && isSecret(path)) open = withValue(open, path, MASK);
    else if (isForeign(value)) open = withValue(open, path, `[${value.constructor.name}]`);
  }
  return sanitizeConfig(open as object);
};

/** Something of the user's that is no data, such as a registry: its name says enough, and its insides may be large. */
const isForeign = (value: unknown): value is object =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  !isTree(value) &&
  !(value instanceof URL);

/** A value as it may be shown where it stands: its name and those around it decide too. */
const shownAt = (path: Path, value: unknown): unknown => {
  if (value === undefined || value === null) return null;
  return valueAt(shownConfig(withValue({}, path, value) as object), path) ?? MASK;
};

/** A difference as it may be shown. */
export const shownChange = ({ path, from, to }: Difference): ShownChange => ({
  path: formatPath(path),
  from: shownAt(path, from),
  to: shownAt(path, to),
});
