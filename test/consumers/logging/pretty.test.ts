import { describe, expect, it } from 'vitest';
import { foldTraceback } from '../../../src/consumers/logging/traceback.ts';
import { complete, fail, openLog } from './fixtures.ts';

const frame = (path: string, line: number, name: string, code?: string): string =>
  `  File "${path}", line ${line}, in ${name}${code === undefined ? '' : `\n    ${code}\n    ^^^^`}`;
const site = '/venv/lib/python3.12/site-packages';

describe('a traceback for people', () => {
  it('folds runs of library frames and shows those of the application, and the last', () => {
    const text = [
      'Traceback (most recent call last):',
      frame('/srv/app.py', 3, 'predict', 'model(x)'),
      frame(`${site}/torch/nn/module.py`, 10, '_call', 'return self.forward(x)'),
      frame(`${site}/torch/nn/linear.py`, 20, 'forward'),
      frame('/usr/lib/python3.12/functools.py', 30, 'wrapper', 'return f(x)'),
      frame('/srv/layers.py', 4, 'hook', 'check(x)'),
      frame(`${site}/numpy/core.py`, 5, 'check', 'raise ValueError'),
      'ValueError: bad',
    ].join('\n');
    expect(foldTraceback(text).split('\n')).toEqual([
      'Traceback (most recent call last):',
      '  File "/srv/app.py", line 3, in predict',
      '    model(x)',
      '    ^^^^',
      '  … 3 frames in torch, Python',
      '  File "/srv/layers.py", line 4, in hook',
      '    check(x)',
      '    ^^^^',
      `  File "${site}/numpy/core.py", line 5, in check`,
      '    raise ValueError',
      '    ^^^^',
      'ValueError: bad',
    ]);
  });

  it('leaves a text without frames, and each part of a chain, as it is', () => {
    for (const text of ['', 'ValueError: bad', 'a\n\nb\n']) expect(foldTraceback(text)).toBe(text);
    const chain = `Traceback:\n${frame('/a.py', 1, 'f', 'x')}\nKeyError: 1\n\nDuring handling:\n\nTraceback:\n${frame('/b.py', 2, 'g')}\nValueError: 2`;
    expect(foldTraceback(chain)).toBe(chain);
  });
});

describe('a line for people', () => {
  it('has its duration in a column of one width and one unit', async () => {
    const log = openLog({ format: 'pretty' });
    for (const duration_ms of [0.04, 12.34, 123_456.78])
      log.bus.emit(
        'snakepit.request.completed' as string,
        { duration_ms },
        { command: 'x', status: 'success' },
      );
    const lines = (await log.text()).split('\n').slice(0, 3);
    expect(lines.map((line) => /INFO: (.{14})/.exec(line)?.[1])).toEqual([
      '      0.0 ms  ',
      '     12.3 ms  ',
      ' 123456.8 ms  ',
    ]);
  });

  it('shows the traceback once, folded', async () => {
    const log = openLog({ format: 'pretty' });
    complete(log.bus);
    const python_traceback = `Traceback (most recent call last):\n${frame('/srv/app.py', 1, 'f')}\n${frame(`${site}/a/x.py`, 2, 'g')}\n${frame(`${site}/a/y.py`, 3, 'h')}\n${frame('/srv/z.py', 4, 'i')}\nValueError: bad`;
    fail(log.bus, { error: { error_type: 'PythonException', python_traceback, exception: { frames: [] } } });
    const text = await log.text();
    expect(text.match(/app\.py/g)).toHaveLength(1);
    expect(text).toContain('… 2 frames in a');
    expect(text).not.toContain('frames": []');
  });
});
