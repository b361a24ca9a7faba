import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { facts, fenced, inlineCode, plain } from '../../dashboard/src/text/markdown.ts';
import { exitText, jsonOf, reportOf, tracebackText } from '../../dashboard/src/text/report.ts';
import { raisedOf } from '../../dashboard/src/text/traceback.ts';
import type { ErrorDetail } from '../../dashboard/src/text/types.ts';
import captured from './fixtures/errors.json' with { type: 'json' };

const errors = captured as unknown as Record<string, ErrorDetail>;
const error = errors.python_exception as ErrorDetail;

/** What a reader of Markdown takes for the content of the first fenced block. */
const contentOf = (markdown: string): string => {
  const [open = '', ...lines] = markdown.split('\n');
  const fence = /^`+/.exec(open)?.[0] ?? '';
  const end = lines.findIndex((line) => new RegExp(`^\`{${fence.length},}\\s*$`).test(line));
  return lines.slice(0, end).join('\n');
};

describe('Markdown', () => {
  it('fences a block so that nothing in it ends it', () => {
    const texts = fc.string({ unit: fc.constantFrom('`', '``', '```', '\n', 'a', '~', ' ') });
    fc.assert(
      fc.property(texts, (text) => {
        expect(contentOf(fenced(text))).toBe(text.replace(/\n+$/, ''));
      }),
    );
  });

  it('marks code in a line with more backticks than it has', () => {
    expect(inlineCode('a')).toBe('`a`');
    expect(inlineCode('a `b` ``c``')).toBe('``` a `b` ``c`` ```');
    expect(inlineCode('two\nlines')).toBe('`two lines`');
    expect(inlineCode('')).toBe('');
  });

  it('makes no markup, mention or reference of plain text', () => {
    expect(plain('# <img src=x> [a](b) *c* _d_ #12')).toBe(
      '\\# \\<img src=x\\> \\[a\\]\\(b\\) \\*c\\* \\_d\\_ \\#12',
    );
    expect(plain('@everyone')).not.toContain('@everyone');
    expect(plain('- no list\n1. here')).toBe('\\- no list 1. here');
    expect(plain('1. no list')).toBe('\\1. no list');
  });

  it('keeps a pipe from ending the cell of a table, and leaves out what is not there', () => {
    expect(
      facts([
        ['a', 'x|y'],
        ['b', null],
        ['c', undefined],
        ['d', ''],
      ]),
    ).toBe('| | |\n| --- | --- |\n| a | `x\\|y` |');
    expect(facts([['a', null]])).toBe('');
  });
});

describe('the report of an error', () => {
  it('says what, where, when and how often, with the traceback as Python printed it', () => {
    const report = reportOf(error, { version: '0.1.0', instance: 'abc' });
    expect(report).toContain("# ValueError: the library has no title 'moby-dik'; did you mean 'moby-dick'?");
    expect(report).toContain('| Command | `keywords` |');
    expect(report).toContain(`| Correlation id | \`${error.correlation_id}\` |`);
    expect(report).toContain(`| Of this kind | \`${error.group.count} since ${error.group.first_seen}\` |`);
    expect(report).toContain('| Snakepit | `0.1.0` |');
    expect(report).toContain(error.error?.python_traceback?.trim());
    expect(report).toContain('"title": "[SANITIZED]"');
  });

  it('has the death certificate of a worker', () => {
    const report = reportOf(errors.worker_crashed as ErrorDetail);
    expect(report).toContain('## How the worker ended');
    expect(report).toContain('| Ended by | `SIGSEGV` |');
    expect(report).toContain('Fatal Python error: Segmentation fault');
  });

  it('has the stack of a request whose time was over, and says what is at fault in arguments', () => {
    expect(reportOf(errors.timeout as ErrorDetail)).toContain('time.sleep(seconds)');
    expect(reportOf(errors.invalid_arguments as ErrorDetail)).toContain('`$.limit in the arguments`');
  });

  it('shows hostile text as it is', () => {
    const hostile = 'boom ```\n# not a title\n<script>alert(1)</script>\n```';
    const report = reportOf({ ...error, message: hostile });
    expect(report).toContain(`\`\`\`\`text\n${hostile}\n\`\`\`\``);
    expect(report.split('\n', 1)[0]).toBe('# boom \\`\\`\\`');
  });

  it('leaves out what is not known', () => {
    const report = reportOf({ ...error, error: null, pool: null, retryable: null });
    expect(report).not.toMatch(/undefined|null|## /);
  });

  it('lists earlier attempts', () => {
    const attempts = [
      { attempt: 1, worker_id: 'w-1', code: 'worker_crashed', message: 'gone *', duration_ms: 12.4 },
    ];
    const context = { ...error.error, attempts } as unknown as ErrorDetail['error'];
    expect(reportOf({ ...error, error: context })).toContain(
      '1. worker\\_crashed on w-1 after 12 ms: gone \\*',
    );
  });

  it('is JSON that says the same', () => {
    expect(JSON.parse(jsonOf(error))).toEqual(error);
  });
});

describe('words', () => {
  it('write a chain as Python does', () => {
    const frame = { file: 'a.py', line: 3, function: 'f', code: 'g()' };
    const raised = [
      { type: 'A', message: 'a', frames: [frame], relation: undefined },
      { type: 'B', message: '', frames: [], relation: 'cause' as const },
    ];
    expect(tracebackText(raised)).toBe(
      'B\n\nThe above exception was the direct cause of the following exception:\n\n' +
        'Traceback (most recent call last):\n  File "a.py", line 3, in f\n    g()\nA: a',
    );
    expect(tracebackText(raisedOf(error.error))).toContain('in keywords');
  });

  it.each([
    [{ code: 1, signal: null, oom: false }, 'exit code 1'],
    [{ code: null, signal: 'SIGKILL', oom: true }, 'SIGKILL (out of memory)'],
    [{ code: null, signal: null, oom: false }, 'unknown'],
  ])('tell how a process ended: %j', (exit, text) => {
    expect(exitText(exit)).toBe(text);
  });
});
