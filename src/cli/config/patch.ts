import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { isPlain, parsePath, withValue } from '../../config/index.ts';
import { UsageError } from '../exit.ts';
import { plainLine } from '../show/plain.ts';

/** @throws UsageError when the text names no key */
export const keyOf = (key: string): readonly string[] => {
  const path = parsePath(key);
  if (path !== undefined) return path;
  throw new UsageError(
    `got '${plainLine(key)}', which is no key; allowed: names with dots between, such as logs.level or pools.default.workers; quoted where a name has dots: 'observability.sampling["snakepit.request.*"]'.`,
  );
};

const parseYaml = async (source: string, written: string): Promise<unknown> => {
  const { parseDocument } = await import('yaml');
  const document = parseDocument(written);
  const [error] = document.errors;
  if (error !== undefined) throw new UsageError(`${source}: ${error.message.trimEnd()}`);
  return document.toJS();
};

/** The merge patch that `KEY=VALUE` arguments ask for. @throws UsageError */
export const patchOf = async (assignments: readonly string[]): Promise<object> => {
  let patch: unknown = {};
  for (const assignment of assignments) {
    const at = assignment.indexOf('=', assignment.lastIndexOf('"]') + 1);
    const [key, written] = [assignment.slice(0, at), assignment.slice(at + 1)];
    if (at < 1 || written.trim() === '') {
      throw new UsageError(
        `config set: got '${plainLine(assignment)}'; allowed: KEY=VALUE, such as logs.level=debug; KEY=null puts the default back.`,
      );
    }
    patch = withValue(patch, keyOf(key), await parseYaml(key, written));
  }
  return patch as object;
};

/** A merge patch from a file (JSON or YAML), or from standard input. @throws UsageError */
export const patchFrom = async (file: string, cwd: string): Promise<object> => {
  const written = await (file === '-' ? text(process.stdin) : readFile(resolve(cwd, file), 'utf8')).catch(
    (error: Error) => {
      throw new UsageError(`config patch: got '${plainLine(file)}', which cannot be read: ${error.message}.`);
    },
  );
  const name = file === '-' ? 'standard input' : file;
  const patch = await parseYaml(name, written);
  if (isPlain(patch)) return patch;
  throw new UsageError(
    `${plainLine(name)}: got something else than an object; allowed: the keys to change, such as { "logs": { "level": "debug" } }.`,
  );
};
