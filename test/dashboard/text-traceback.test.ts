import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { foldFrames, foldText, libraryOf, shortPath } from '../../dashboard/src/text/frames.ts';
import { parseStack, parseTraceback, raisedOf } from '../../dashboard/src/text/traceback.ts';
import type { ErrorContext, ErrorDetail, Frame } from '../../dashboard/src/text/types.ts';
import { testPython } from '../support/tools.ts';
import captured from './fixtures/errors.json' with { type: 'json' };

const errors = captured as unknown as Record<string, ErrorDetail>;
const frame = (file: string): Frame => ({ file, line: 1, function: 'f', code: null });

const chained = `
import json, traceback
def read():
    return json.loads('nope')
def ask():
    try:
        read()
    except ValueError as error:
        raise RuntimeError('no answer: "a: b"\\nsecond line') from error
def both():
    try:
        ask()
    except RuntimeError:
        {}['missing']
try:
    both()
except KeyError:
    print(traceback.format_exc())
`;

const runPython = (code: string) => execFileSync(testPython(), ['-c', code], { encoding: 'utf8' });

describe('a traceback that Python has printed', () => {
  const raised = parseTraceback(runPython(chained));

  it('begins with the exception that was seen, and goes back to the first cause', () => {
    expect(raised.map(({ type, relation }) => [type, relation])).toEqual([
      ['KeyError', undefined],
      ['RuntimeError', 'context'],
      ['json.decoder.JSONDecodeError', 'cause'],
    ]);
  });

  it('has the frames of each, innermost last', () => {
    expect(raised.map(({ frames }) => frames.map(({ function: name }) => name))).toEqual([
      ['<module>', 'both'],
      ['both', 'ask'],
      ['ask', 'read', 'loads', 'decode', 'raw_decode'],
    ]);
    expect(raised[2]?.frames.at(-1)?.code).toMatch(/^raise JSONDecodeError/);
  });

  it('keeps messages of several lines whole', () => {
    expect(raised[1]?.message).toBe('no answer: "a: b"\nsecond line');
  });

  it('reads over frames that repeat', () => {
    const deep = `
import traceback
def f(n): return f(n + 1)
try:
    f(0)
except RecursionError:
    print(traceback.format_exc())
`;
    const [one] = parseTraceback(runPython(deep));
    expect(one?.type).toBe('RecursionError');
    expect(one?.frames.length).toBeLessThan(10);
  });

  it('is a stack in the spelling of faulthandler too, innermost last', () => {
    const dumped = runPython(
      'import faulthandler, sys\ndef inner(): faulthandler.dump_traceback(sys.stdout, False)\ndef outer(): inner()\nouter()',
    );
    expect(parseStack(dumped).map(({ function: name }) => name)).toEqual(['<module>', 'outer', 'inner']);
  });

  it('is nothing where there is none', () => {
    expect(parseTraceback('the app defines no command')).toEqual([]);
    expect(parseTraceback('')).toEqual([]);
    expect(parseStack('Fatal Python error')).toEqual([]);
  });
});

describe('the exceptions of an error', () => {
  it('come from its parts', () => {
    const [one, ...more] = raisedOf(errors.python_exception?.error ?? null);
    expect(more).toEqual([]);
    expect(one?.type).toBe('ValueError');
    expect(one?.frames.map(({ function: name }) => name)).toEqual(['keywords', '_text']);
  });

  it('get the frames of those behind it from the text', () => {
    const context: ErrorContext = {
      error_type: 'PythonException',
      error_message: 'KeyError',
      timestamp: '2025-01-15T10:30:00.000Z',
      python_traceback: runPython(chained),
      exception: {
        type: 'KeyError',
        module: 'builtins',
        message: "'missing'",
        frames: [frame('/srv/app.py')],
        chain: [
          { type: 'RuntimeError', module: 'builtins', message: 'no answer', relation: 'context' },
          { type: 'JSONDecodeError', module: 'json.decoder', message: 'Expecting', relation: 'cause' },
        ],
      },
    };
    const raised = raisedOf(context);
    expect(raised.map(({ type }) => type)).toEqual([
      'KeyError',
      'RuntimeError',
      'json.decoder.JSONDecodeError',
    ]);
    expect(raised[0]?.frames).toEqual([frame('/srv/app.py')]);
    expect(raised[2]?.frames.at(-1)?.function).toBe('raw_decode');
  });

  it('come from the text where there are no parts, and are none where Python raised nothing', () => {
    const context = errors.python_exception?.error as ErrorContext;
    const { exception: _, ...textOnly } = context;
    expect(raisedOf(textOnly)[0]?.frames).toHaveLength(2);
    expect(raisedOf(errors.timeout?.error ?? null)).toEqual([]);
    expect(raisedOf(null)).toEqual([]);
  });
});

describe('frames', () => {
  it.each([
    ['/srv/venv/lib/python3.11/site-packages/torch/nn/modules/module.py', 'torch'],
    ['/usr/lib/python3/dist-packages/yaml/__init__.py', 'yaml'],
    ['/srv/venv/lib/python3.12/site-packages/six.py', 'six'],
    ['/usr/lib/python3.11/concurrent/futures/thread.py', "Python's library"],
    ['/opt/pyenv/versions/3.11.7/lib/python3.11/threading.py', "Python's library"],
    ['C:\\Python312\\Lib\\json\\decoder.py', "Python's library"],
    ['C:\\app\\venv\\Lib\\site-packages\\numpy\\core.py', 'numpy'],
    ['<frozen runpy>', "Python's library"],
    ['/srv/snakepit/python/src/snakepit/_runtime/loop_main.py', 'snakepit'],
    ['/srv/snakepit/python/src/snakepit/<call of predict>', 'snakepit'],
    ['/srv/snakepit/python/src/snakepit/_worker.py', 'snakepit'],
  ])('%s is of %s', (file, library) => {
    expect(libraryOf(file)).toBe(library);
  });

  it.each(['/srv/library/app.py', '/home/lib/models/run.py', 'C:\\app\\lib\\main.py', '<string>', 'app.py'])(
    "%s is the app's own",
    (file) => {
      expect(libraryOf(file)).toBeUndefined();
    },
  );

  it('of libraries that follow each other fold into one line', () => {
    const files = [
      '/srv/app.py',
      '/v/site-packages/torch/a.py',
      '/v/site-packages/torch/b.py',
      '/usr/lib/python3.11/json/decoder.py',
      '/srv/model.py',
      '/v/site-packages/numpy/c.py',
    ];
    const runs = foldFrames(files.map(frame));
    expect(runs.map((run) => (run.kind === 'app' ? run.frames[0]?.file : foldText(run)))).toEqual([
      '/srv/app.py',
      "3 frames in torch and Python's library",
      '/srv/model.py',
      '1 frame in numpy',
    ]);
  });

  it('name at most three libraries', () => {
    const [run] = foldFrames(['a', 'b', 'c', 'd'].map((name) => frame(`/v/site-packages/${name}/x.py`)));
    expect(run && foldText(run)).toBe('4 frames in a, b and 2 more');
  });

  it('fold away what is not the app’s in a captured crash', () => {
    const tail = errors.worker_crashed?.error?.exit?.stderr_tail.join('\n') ?? '';
    const current = tail.slice(tail.indexOf('Current thread'));
    expect(foldFrames(parseStack(current)).map(({ kind }) => kind)).toEqual(['library', 'app', 'library']);
  });

  it('have short paths', () => {
    expect(shortPath('/srv/venv/lib/python3.11/site-packages/torch/nn.py')).toBe('…/torch/nn.py');
    expect(shortPath('app.py')).toBe('app.py');
  });
});
