import type { z } from 'zod';
import { nearest } from './near.ts';
import { allOptions, objectForm, schemaAt } from './options-tree.ts';
import { isPlain, type Origins, originKey } from './origins.ts';
import { allowed } from './words.ts';

type Path = readonly PropertyKey[];
type Issue = z.core.$ZodIssue;

/**
 * Says what is wrong with options, one sentence a fault: the key, what was got, what is allowed.
 *
 * @param root - the options as they were given
 * @param origins - which values came from a flag or the environment; those are called by that name
 */
export const explain = (issue: Issue, root: unknown, origins: Origins, above: Path = []): string[] => {
  const path = [...above, ...issue.path];
  const value = at(root, path);
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownOption([...path, key]));
  if (issue.code === 'invalid_key') {
    return [
      `${nameOf(path, origins)}: the name is not usable; allowed: ${issue.issues.map(({ message }) => message).join(', ')}.`,
    ];
  }
  if (issue.code === 'invalid_union') {
    // Of `false` or an object, whoever wrote an object meant the object: its own faults say more.
    const branch = isPlain(value)
      ? issue.errors.find((faults) => faults.some((fault) => fault.path.length > 0))
      : undefined;
    if (branch !== undefined) return branch.flatMap((fault) => explain(fault, root, origins, path));
  }
  const schema = schemaAt(path);
  const own =
    issue.code === 'custom' || (issue.code === 'invalid_format' && !issue.message.startsWith('Invalid'));
  const rule = own || schema === undefined ? issue.message : allowed(schema);
  const name = nameOf(path, origins);
  if (value === undefined) return [`${name} is missing; needed: ${rule}.`];
  return [`${name}: got ${show(value, path)}; allowed: ${rule}.`];
};

const nameOf = (path: Path, origins: Origins): string => {
  const key = originKey(path);
  const origin = origins.get(key);
  return origin === undefined ? key || 'configuration' : `${origin} (${key})`;
};

const at = (root: unknown, path: Path): unknown =>
  path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key], root);

const SECRET = /token|secret|password|credential|key$/i;

/** A value as a message may show it: nothing of what may be secret, nothing long. */
const show = (value: unknown, path: Path): string => {
  if (path.includes('env') || SECRET.test(String(path.at(-1) ?? ''))) return 'a value not shown';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (isPlain(value)) return `an object with ${Object.keys(value).join(', ') || 'nothing in it'}`;
  if (typeof value === 'function') return 'a function';
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
};

const unknownOption = (path: Path): string => {
  const key = String(path.at(-1));
  const schema = schemaAt(path.slice(0, -1));
  const known = Object.keys((schema === undefined ? {} : objectForm(schema).properties) ?? {}).filter(
    (name) => name !== '$schema',
  );
  const near = nearest(key, known) ?? elsewhere(key);
  const hint = near === undefined ? '' : ` Did you mean '${near}'?`;
  return `${originKey(path)} is not an option.${hint} Allowed here: ${known.join(', ')}.`;
};

/** An option of that very name that belongs somewhere else. */
const elsewhere = (key: string): string | undefined => {
  for (const { path } of allOptions()) if (path.at(-1) === key) return path.join('.');
  return undefined;
};
