import { utimesSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseStacks, renderStack } from '../../src/process/index.ts';
import { file, scratch } from './python-fixtures.ts';

const folder = scratch();

describe('parseStacks', () => {
  it('takes a dump of Python 3.9 to 3.13 apart, the oldest call first', () => {
    const text = `Thread 0x00007f5d2a91c6c0 (most recent call first):
  File "/srv/app.py", line 2 in inner
  File "/srv/app.py", line 3 in outer

Current thread 0x00007f5d2b485c40 (most recent call first):
  File "<string>", line 9 in <module>
`;
    expect(parseStacks(text)).toEqual([
      {
        thread: '0x00007f5d2a91c6c0',
        current: false,
        name: null,
        lines: ['File "/srv/app.py", line 3 in outer', 'File "/srv/app.py", line 2 in inner'],
      },
      {
        thread: '0x00007f5d2b485c40',
        current: true,
        name: null,
        lines: ['File "<string>", line 9 in <module>'],
      },
    ]);
  });

  it('knows the names of Python 3.14, marks among the calls, and what follows a crash', () => {
    const text = `Thread 0x00007f5d2a91c6c0 [Thread-1 (f [x])] (most recent call first):
  <no Python frame>

Current thread 0x00007f5d2b485c40 [python] (most recent call first):
  Garbage-collecting
  File "/srv/app.py", line ??? in f
  ...

Current thread's C stack trace (most recent call first):
  Binary file "/usr/bin/python", at _Py_DumpStack+0x48

Extension modules: numpy (total: 1)
`;
    const [first, second, ...more] = parseStacks(text);
    expect(first).toMatchObject({ name: 'Thread-1 (f [x])', lines: ['<no Python frame>'] });
    expect(second).toMatchObject({
      name: 'python',
      lines: ['...', 'File "/srv/app.py", line ??? in f', 'Garbage-collecting'],
    });
    expect(more).toEqual([]);
  });

  it('makes nothing of nothing, and of a dump that was cut off what there is', () => {
    expect(parseStacks('')).toEqual([]);
    expect(parseStacks('  File "x.py", line 1 in f\nnonsense')).toEqual([]);
    const cut = parseStacks(
      'Thread 0x01 (most recent call first):\n  File "/a.py", line 1 in f\nThread 0x02 (most re',
    );
    expect(cut).toMatchObject([{ thread: '0x01', lines: ['File "/a.py", line 1 in f'] }]);
  });
});

describe('renderStack', () => {
  const section = (...lines: string[]) => ({ thread: '0x01', current: false, name: null, lines });

  it('looks like a traceback, with the source where it can be read', () => {
    const app = file(`${folder}/app.py`, 'def f():\n    return g(1)\n');
    const text = renderStack({
      ...section(`File "${app}", line 2 in f`, 'File "<string>", line 1 in g', '...'),
      current: true,
      name: 'main',
    });
    expect(text).toBe(`Current thread 0x01 [main] (most recent call last):
  File "${app}", line 2, in f
    return g(1)
  File "<string>", line 1, in g
  ...`);
  });

  it('shows a file as it is now', () => {
    const app = file(`${folder}/changing.py`, 'before()\n');
    const render = () => renderStack(section(`File "${app}", line 1 in f`));
    expect(render()).toContain('before()');
    file(app, 'behind()\n');
    utimesSync(app, new Date(0), new Date(0));
    expect(render()).toContain('behind()');
  });

  it('reads no other files, none that are large, and no lines that are not there', () => {
    const secret = file(`${folder}/secret.txt`, 'secret\n');
    const large = file(`${folder}/large.py`, `secret\n${'#'.repeat(1024 * 1024)}`);
    const short = file(`${folder}/short.py`, 'secret\n');
    const lines = [
      `File "${secret}", line 1 in f`,
      `File "${large}", line 1 in f`,
      `File "${short}", line 99 in f`,
      `File "${short}", line 0 in f`,
      `File "${short}", line ??? in f`,
      `File "${folder}/missing.py", line 1 in f`,
      `File "${folder}", line 1 in f`,
      'File "/dev/zero.py", line 1 in f',
      'File "short.py", line 1 in f',
    ];
    expect(renderStack(section(...lines))).not.toMatch(/secret$/m);
    expect(renderStack(section(...lines)).split('\n')).toHaveLength(lines.length + 1);
  });
});
