import { mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Reloader } from '../../src/cli/dev/reloader.ts';
import { reloadFailed, reloadReport } from '../../src/cli/dev/report.ts';
import { appFolders, isPassedBy } from '../../src/cli/dev/watched.ts';
import { watchPython } from '../../src/cli/dev/watcher.ts';
import type { Reloaded } from '../../src/cli/serve-lifecycle.ts';
import { resolveOptions } from '../../src/config/index.ts';
import { file, scratch } from '../process/python-fixtures.ts';
import { until } from './run-cli.ts';

const root = scratch();
const done: Reloaded = { pool: 'default', slot: 0, outcome: 'replaced' };
const failed = (error?: string): Reloaded => ({ pool: 'default', slot: 1, outcome: 'start_failed', error });

describe('appFolders', () => {
  it("names the folder of a file's app and the one a module is imported from, once", () => {
    for (const name of ['a/sub', 'b', 'real']) mkdirSync(join(root, 'apps', name), { recursive: true });
    symlinkSync(join(root, 'apps', 'real'), join(root, 'apps', 'linked'));
    const { pools } = resolveOptions({
      pools: {
        one: { app: 'a/app.py' },
        same: { app: join(root, 'apps/a/other.py') },
        within: { app: 'a/sub/app.py' },
        module: { app: 'pkg.module', cwd: 'b' },
        linked: { app: 'linked/app.py' },
      },
    });
    expect(appFolders({ pools }, join(root, 'apps'))).toEqual(
      ['a', 'b', 'real'].map((name) => join(root, 'apps', name)),
    );
  });
});

describe('watchPython', () => {
  const watching = async (name: string, prepare: (folder: string) => void = () => {}) => {
    const folder = join(root, name);
    mkdirSync(folder);
    prepare(folder);
    const seen: string[] = [];
    const errors: Error[] = [];
    const stop = await watchPython({
      folders: [folder],
      changed: (path) => seen.push(path),
      failed: (error) => errors.push(error),
    });
    onTestFinished(stop);
    const write = (path: string, text = String(Math.random())) => file(join(folder, path), text);
    return { folder, seen, errors, stop, write };
  };

  it('tells of Python files that are changed, made, replaced or removed, in new folders too', async () => {
    const { folder, seen, errors, write } = await watching('python', (at) => {
      file(join(at, 'app.py'));
      file(join(at, 'old/deep.py'));
    });
    write('app.py');
    await until(() => seen.includes('app.py'));
    write('old/deep.py');
    await until(() => seen.includes('old/deep.py'));
    write('fresh/made/here.py');
    await until(() => seen.includes('fresh/made/here.py'));
    rmSync(join(folder, 'old/deep.py'));
    await until(() => seen.filter((path) => path === 'old/deep.py').length > 1);
    // As editors save: a new file takes the place of the old one, and the watch must follow it.
    for (let i = 0; i < 3; i++) {
      seen.length = 0;
      // A change that follows another within 50 ms is not told of: the reload that the other causes reads both.
      await until(() => {
        renameSync(write('app.py.tmp'), join(folder, 'app.py'));
        return seen.includes('app.py');
      });
    }
    expect(errors).toEqual([]);
  });

  it("passes by other people's code, what is made, what is hidden, and what is no Python", async () => {
    const { folder, seen, write } = await watching('.hidden-itself', (at) => {
      file(join(at, 'environment/pyvenv.cfg'));
      for (const name of [
        '.venv',
        'venv',
        'node_modules',
        '__pycache__',
        '.git',
        'environment/lib',
        'linked-to',
      ])
        mkdirSync(join(at, name), { recursive: true });
    });
    symlinkSync(join(folder, 'linked-to'), join(folder, '.link'));
    const passed = ['.venv/a.py', 'venv/a.py', 'node_modules/a/b.py', '__pycache__/a.py', '.git/a.py'];
    for (const path of [...passed, 'environment/lib/a.py', 'data.json', '.hidden.py', 'model.pyc'])
      write(path);
    write('end.py');
    await until(() => seen.includes('end.py'));
    expect([...new Set(seen)]).toEqual(['end.py']);
  });

  it('tells nothing any more once it is stopped', async () => {
    const { folder, seen, stop, write } = await watching('stopped');
    stop();
    write('app.py');
    // Another watcher that sees the change shows that this one had its chance.
    const others: string[] = [];
    onTestFinished(
      await watchPython({ folders: [folder], changed: (path) => others.push(path), failed: () => {} }),
    );
    write('app.py');
    await until(() => others.length > 0);
    expect(seen).toEqual([]);
  });

  it('looks at whole names only', () => {
    expect(
      ['venvs/a.py', 'a.venv/b.py', 'src/node_modules_x/a.py', ''].map((path) =>
        isPassedBy('/app', join('/app', path)),
      ),
    ).toEqual([false, false, false, false]);
  });
});

describe('Reloader', () => {
  /** Reloads end when the test says so. */
  const reloading = (debounceMs = 20) => {
    const said: string[] = [];
    const running: { resolve: (outcomes: readonly Reloaded[]) => void; reject: (error: Error) => void }[] =
      [];
    let reloads = 0;
    const reloader = new Reloader({
      reload: () => {
        reloads++;
        return new Promise((resolve, reject) => running.push({ resolve, reject }));
      },
      say: (text) => said.push(text),
      debounceMs,
    });
    onTestFinished(() => reloader.stop());
    const next = async () => until(() => running.shift());
    return { reloader, said, next, count: () => reloads };
  };

  it('makes one reload of changes that come together, and says what changed', async () => {
    const { reloader, said, next, count } = reloading();
    for (const path of ['a.py', 'b.py', 'a.py']) reloader.changed(path);
    (await next()).resolve([done]);
    await until(() => said.length > 0);
    expect(said).toEqual([
      expect.stringMatching(/^a\.py, b\.py changed: 1 worker reloaded in [\d.]+ ms\.\n$/),
    ]);
    expect(count()).toBe(1);
  });

  it('makes one more of those that come during it', async () => {
    const { reloader, said, next, count } = reloading();
    reloader.changed('a.py');
    const first = await next();
    for (const path of ['b.py', 'c.py']) reloader.changed(path);
    expect(count()).toBe(1);
    first.resolve([done]);
    (await next()).resolve([done]);
    await until(() => said.length === 2);
    expect(said[1]).toMatch(/^b\.py, c\.py changed: /);
    expect(count()).toBe(2);
  });

  it('goes on after a reload that failed', async () => {
    const { reloader, said, next } = reloading();
    reloader.changed('a.py');
    (await next()).reject(new Error('The pool is closing.'));
    await until(() => said.length > 0);
    reloader.changed('a.py');
    (await next()).resolve([done]);
    await until(() => said.length === 2);
    expect(said[0]).toMatch(/^a\.py changed: not reloaded \(tried for [\d.]+ ms\): The pool is closing\.\n$/);
  });

  it('begins nothing and says nothing once it is stopped', async () => {
    const { reloader, said, next, count } = reloading(0);
    reloader.changed('a.py');
    const running = await next();
    reloader.changed('b.py');
    reloader.stop();
    running.resolve([done]);
    reloader.changed('c.py');
    const other = reloading(0);
    other.reloader.changed('d.py');
    await other.next();
    expect({ said, reloads: count() }).toEqual({ said: [], reloads: 1 });
  });
});

describe('the report of a reload', () => {
  it('names a few files, and tells failures with their tracebacks, each once', () => {
    const traceback = 'Traceback (most recent call last):\nSyntaxError: \u001b[31minvalid syntax\n';
    expect(
      reloadReport(['a.py', 'b.py', 'c.py', 'd.py', 'e.py'], [failed(traceback), failed(traceback)], 320),
    ).toBe(
      'a.py, b.py, c.py and 2 more changed: not reloaded (tried for 320 ms); the old workers go on.\n' +
        'Traceback (most recent call last):\nSyntaxError: invalid syntax\n',
    );
    expect(reloadReport(['a.py'], [done, failed()], 1250)).toBe(
      'a.py changed: only 1 of 2 workers reloaded (tried for 1.2 s); the old workers go on.\nno reason is known\n',
    );
    expect(reloadFailed(['a.py'], 'x', 5)).toBe('a.py changed: not reloaded (tried for 5 ms): x\n');
  });
});
