import { describe, expect, it } from 'vitest';
import { painter } from '../../src/cli/show/paint.ts';
import { cutTo, plainBlock, plainLine } from '../../src/cli/show/plain.ts';
import { table } from '../../src/cli/show/table.ts';
import { clock, counted, duration, figure, percent, since, size } from '../../src/cli/show/units.ts';

describe('text from outside', () => {
  it('cannot move the cursor, colour, ring, or turn a line around', () => {
    const hostile =
      'a\u001b[2J\u001b[1;31mb\u001b]0;title\u0007c\u009b5md\r\ne\tf\rg\u202eh\u0000\u007f\u0085i';
    expect(plainBlock(hostile)).toBe('ab]0;titlecd\ne\tfghi');
    expect(plainLine(hostile)).toBe('ab]0;titlecd e fghi');
  });

  it('loses nothing that is only text', () => {
    const text = 'naïve 日本語 🐍 [31m (x)';
    expect(plainBlock(text)).toBe(text);
    expect(plainBlock('Send \u001b[31mit\u0007.')).toBe('Send it.');
  });

  it('is cut between characters, with a mark', () => {
    expect(cutTo('🐍🐍🐍', 3)).toBe('🐍🐍🐍');
    expect(cutTo('🐍🐍🐍', 2)).toBe('🐍…');
  });
});

describe('table', () => {
  const paint = painter({ colours: false });
  const columns = [{ title: 'Id' }, { title: 'N', right: true }, { title: 'Text', flexible: true }];

  it('aligns, and ends no line in blanks', () => {
    const rows = [
      ['a', '1', 'x'],
      ['long', '100', ''],
    ];
    expect(table(columns, rows, { width: 80, paint })).toBe('Id      N  Text\na       1  x\nlong  100');
  });

  it('takes what is too wide from flexible columns only', () => {
    const rows = [['an-id-that-must-not-be-cut', '1', 'words '.repeat(40)]];
    const [, row] = table(columns, rows, { width: 60, paint }).split('\n') as [string, string];
    expect([...row]).toHaveLength(60);
    expect(row).toMatch(/^an-id-that-must-not-be-cut {2}1 {2}words .*…$/);
  });

  it('cuts at the start where the end tells more', () => {
    const where = [{ title: 'Address', flexible: 'start' as const }, { title: 'N' }];
    const row = table(where, [['unix:/run/app/worker-1.sock', '1']], { width: 16, paint }).split('\n')[1];
    expect(row).toBe('…orker-1.sock  1');
  });

  it('lets equals shrink alike', () => {
    const two = [
      { title: 'A', flexible: true },
      { title: 'B', flexible: true },
    ];
    const row = table(two, [['a'.repeat(60), 'b'.repeat(50)]], { width: 80, paint }).split('\n')[1] as string;
    expect(row).toBe(`${'a'.repeat(38)}…  ${'b'.repeat(38)}…`);
  });

  it('keeps a cell on its line, whatever is in it', () => {
    const [, ...rows] = table(columns, [['a\nb\u001b[31m', '1', 'x\ty']], { width: 80, paint }).split('\n');
    expect(rows).toEqual(['a b  1  x y']);
  });

  it('colours the text of a cell, not the blanks beside it', () => {
    const text = table(columns, [['ab', { text: '7', style: 'red' }, 'x']], {
      width: 80,
      paint: painter({ colours: true }),
    });
    expect(text).toContain('ab  \u001b[31m7\u001b[39m  x');
  });
});

describe('units', () => {
  it('are of a size that is read at a glance', () => {
    const durations = [0, 0.26, 12.4, 999, 1000, 3290, 59_999, 60_000, 303_000, 7_500_000, 273_600_000];
    expect(durations.map((ms) => duration(ms))).toEqual([
      '0 ms',
      '0.3 ms',
      '12 ms',
      '999 ms',
      '1 s',
      '3.2 s',
      '59.9 s',
      '1 min',
      '5 min 3 s',
      '2 h 5 min',
      '3 d 4 h',
    ]);
    expect([120 * 2 ** 20, 10_240 * 2 ** 20].map(size)).toEqual(['120 MiB', '10.0 GiB']);
    expect([0, 3, 1.25, 1234.5].map(figure)).toEqual(['0', '3', '1.3', '1235']);
    expect([percent(0.123), percent(0.0123, 1)]).toEqual(['12 %', '1.2 %']);
    expect([counted(1, 'worker'), counted(0, 'worker')]).toEqual(['1 worker', '0 workers']);
  });

  it('say that something is not known', () => {
    for (const value of [undefined, null, Number.NaN]) {
      expect([
        duration(value),
        size(value),
        figure(value),
        percent(value),
        clock(value),
        since(value, 0),
      ]).toEqual(Array(6).fill('-'));
    }
  });

  it('take moments as RFC 3339 or epoch milliseconds', () => {
    const at = Date.parse('2025-01-15T10:30:00Z');
    for (const moment of [at, '2025-01-15T10:30:00.000Z']) {
      expect([clock(moment), since(moment, at + 90_000)]).toEqual(['2025-01-15T10:30:00Z', '1 min 30 s']);
    }
  });
});
