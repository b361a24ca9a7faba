import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll } from 'vitest';

/** A folder that goes away after the tests of a file. Its own links are resolved, so that paths can be compared. */
export const scratch = (): string => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'snakepit-test-')));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
};

/** Writes a file, its folders included. */
export const file = (path: string, text = ''): string => {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
};

/** Writes an executable shell script. */
export const script = (path: string, body: string): string => {
  file(path, `#!/bin/sh\n${body}\n`);
  chmodSync(path, 0o755);
  return path;
};

/** What answers like an interpreter of that version, whatever it is asked. */
export const fakePython = (path: string, version: string): string =>
  script(
    path,
    `if [ "$1" = -V ]; then echo "Python ${version}"; else printf '${version}\\n%s\\n%s\\n' $$ "$0"; fi`,
  );

/** The Python that the tests run on, past the shims of version managers. */
export const realPython = execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], {
  encoding: 'utf8',
}).trim();

/** Makes a real virtual environment and returns its folder. */
export const virtualEnvironment = (folder: string): string => {
  execFileSync(realPython, ['-m', 'venv', '--without-pip', folder]);
  return folder;
};
