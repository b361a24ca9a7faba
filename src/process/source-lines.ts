import { readFileSync, statSync } from 'node:fs';
import { isAbsolute } from 'node:path';

/** Larger files are generated, and not worth the time. */
const MAX_BYTES = 1024 * 1024;
/** The stacks of a worker go through few files, again and again. */
const MAX_FILES = 16;

const cache = new Map<string, { readonly version: string; readonly lines: readonly string[] }>();

/** One line of a Python file as it is now; undefined where it cannot be read. */
export const sourceLine = (path: string, line: number): string | undefined => {
  // A relative path starts from wherever the worker once was; others are no files, as `<string>`.
  if (!isAbsolute(path) || !path.endsWith('.py') || !(line >= 1)) return undefined;
  try {
    const { mtimeMs, size, ino } = statSync(path);
    const version = `${mtimeMs} ${size} ${ino}`;
    const known = cache.get(path);
    if (known?.version === version) return known.lines[line - 1];
    return read(path, version, size)?.[line - 1];
  } catch {
    return undefined;
  }
};

const read = (path: string, version: string, size: number): readonly string[] | undefined => {
  // A pipe or a device, size 0, could keep us waiting for ever.
  if (size === 0 || size > MAX_BYTES || !statSync(path).isFile()) return undefined;
  const lines = readFileSync(path, 'utf8').split(/\r?\n/);
  cache.delete(path);
  cache.set(path, { version, lines });
  if (cache.size > MAX_FILES) cache.delete(cache.keys().next().value as string);
  return lines;
};
