import { expect, it } from 'vitest';
import { shapeOf } from '../../../src/consumers/errors/shape.ts';

it.each([
  ['ValueError: Invalid input shape', 'ValueError: Invalid input shape'],
  ['ValueError: Invalid input shape (1, 224)', 'ValueError: Invalid input shape (<n>, <n>)'],
  ["KeyError: 'user-17'", 'KeyError: <str>'],
  ['KeyError: "it\'s \\"here\\""', 'KeyError: <str>'],
  ["can't open file 'a.bin' or 'b.bin'", "can't open file <str> or <str>"],
  ["don't divide -3.25e-7 by 0", "don't divide <n> by <n>"],
  ['object at 0x7f00dead10 is None', 'object at <hex> is None'],
  ['digest 9f86d081884c7d65 differs', 'digest <hex> differs'],
  ['the word facade and 1234567890', 'the word facade and <n>'],
  ['no row 123e4567-e89b-42d3-a456-426614174000.', 'no row <id>.'],
  ['lost req_1a2b3c4d_z9', 'lost <id>'],
  ['torch.float32 is not torch.float16', 'torch.float<n> is not torch.float<n>'],
  ['two\nlines  and\ttabs', 'two lines and tabs'],
  ['\u001b[31mred\u001b[0m and \u001b[1;38;5;196mbold\u001b[m', 'red and bold'],
  ['\u001b]0;title\u0007named\u0000 \u009bx', 'named x'],
  ['', ''],
])('%s', (message, shape) => {
  expect(shapeOf(message)).toBe(shape);
});

it('replaces the ids it is told', () => {
  expect(shapeOf('Worker main-2f-a died with x.y:z', ['main-2f-a', null, 'x.y:z', ''])).toBe(
    'Worker <id> died with <id>',
  );
});

it('is one for long texts that begin alike, even where a quotation is cut', () => {
  const message = (end: string) => `Cannot parse '${'abc '.repeat(200)}${end}'`;
  expect(shapeOf(message('x'))).toBe('Cannot parse <str>');
  const open = (middle: string) => `Cannot parse "${middle} and so on ${'.'.repeat(1000)}`;
  expect(shapeOf(open('these'))).toBe(shapeOf(open('those')));
});

it('takes no time on hostile texts', () => {
  for (const text of ['\u001b', '\u001b[', '\u001b[0', '\u001b]', "'", '"', "\\'", '0x', 'a1', '-1.', '1e']) {
    const began = performance.now();
    for (let i = 0; i < 100; i++) shapeOf(text.repeat(100_000));
    expect(performance.now() - began, text).toBeLessThan(2000);
  }
});
