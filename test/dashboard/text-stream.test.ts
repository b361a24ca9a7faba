import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matcherOf, patternFault, patternsOf } from '../../dashboard/src/text/pattern.ts';
import { ratesOf } from '../../dashboard/src/text/rates.ts';
import { type Message, SseReader } from '../../dashboard/src/text/sse.ts';
import { Tail } from '../../dashboard/src/text/tail.ts';
import { compilePattern } from '../../src/events/index.ts';

describe('reading server-sent events', () => {
  const read = (parts: readonly string[], lastId?: string) => {
    const messages: Message[] = [];
    const reader = new SseReader((message) => messages.push(message), lastId);
    for (const part of parts) reader.push(part);
    return { messages, reader };
  };
  const stream =
    '\ufeffretry: 1500\nid: a-1\nevent: hello\ndata: {"x":1}\n\n: at a-9\nid: a-9\n\nid: a-10\r\nevent: my.own\r\ndata: one\r\ndata:two\r\n\r\ndata: plain\n\n';

  it('gives each with its id and name, whatever the name', () => {
    expect(read([stream]).messages).toEqual([
      { id: 'a-1', event: 'hello', data: '{"x":1}' },
      { id: 'a-10', event: 'my.own', data: 'one\ntwo' },
      { id: 'a-10', event: 'message', data: 'plain' },
    ]);
  });

  it('gives the same wherever the network cuts it', () => {
    const whole = read([stream]).messages;
    fc.assert(
      fc.property(fc.array(fc.nat(stream.length), { maxLength: 20 }), (cuts) => {
        const ends = [0, ...cuts.toSorted((a, b) => a - b), stream.length];
        const parts = ends.slice(1).map((end, i) => stream.slice(ends[i], end));
        expect(read(parts).messages).toEqual(whole);
      }),
    );
  });

  it('knows where to go on, also after a block that has an id alone', () => {
    const { reader } = read(['id: a-1\ndata: x\n\n: at a-9\nid: a-9\n\n', 'id: a-10\ndata: cut']);
    expect(reader.lastId).toBe('a-9');
    expect(read(['retry: 1500\n', 'retry: soon\n']).reader.retryMs).toBe(1500);
    expect(read([], 'a-3').reader.lastId).toBe('a-3');
  });
});

describe('a list that never ends', () => {
  const numbers = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i);

  it('keeps the last, and says how many made room', () => {
    const tail = new Tail<number>(3);
    tail.add([1, 2]);
    tail.add([3, 4, 5]);
    expect(tail.state).toMatchObject({ rows: [3, 4, 5], trimmed: 2, waiting: 0 });
  });

  it('holds still while paused, says how many wait, and shows them then', () => {
    const tail = new Tail<number>(10);
    tail.add([1]);
    tail.pause();
    tail.add([2, 3]);
    expect(tail.state).toMatchObject({ rows: [1], paused: true, waiting: 2 });
    tail.resume();
    expect(tail.state).toMatchObject({ rows: [1, 2, 3], paused: false, waiting: 0 });
  });

  it('loses the oldest of those that wait, and says so', () => {
    const tail = new Tail<number>(10, 3);
    tail.pause();
    tail.add(numbers(1, 5));
    expect(tail.state).toMatchObject({ waiting: 3, overflowed: 2 });
    tail.resume();
    expect(tail.state).toMatchObject({ rows: [3, 4, 5], overflowed: 0, trimmed: 2 });
  });

  it('accounts for each, whatever happens', () => {
    const step = fc.oneof(fc.nat(40), fc.constantFrom('pause', 'resume'));
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const tail = new Tail<number>(20, 15);
        let given = 0;
        for (const what of steps) {
          if (what === 'pause') tail.pause();
          else if (what === 'resume') tail.resume();
          else {
            tail.add(numbers(given, what as number));
            given += what as number;
          }
          const { rows, waiting, overflowed, trimmed } = tail.state;
          expect(rows.length + waiting + overflowed + trimmed).toBe(given);
          expect(rows.length).toBeLessThanOrEqual(20);
          expect(waiting).toBeLessThanOrEqual(15);
        }
      }),
    );
  });

  it('is empty after it was cleared', () => {
    const tail = new Tail<number>(3);
    tail.add([1, 2, 3, 4]);
    tail.clear();
    expect(tail.state).toMatchObject({ rows: [], trimmed: 0 });
  });
});

describe('patterns', () => {
  const part = fc.constantFrom('a', 'b-1', 'snakepit', '*', '**', '', 'ä', 'x y', '***');
  const pattern = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('.'));
  const taken = (text: string): boolean => {
    try {
      compilePattern(text);
      return true;
    } catch {
      return false;
    }
  };

  it('are refused just where the server refuses them', () => {
    fc.assert(
      fc.property(pattern, (text) => {
        fc.pre(!/[\s,]/.test(text) && text !== '');
        expect([text, patternFault(text) === undefined]).toEqual([text, taken(text)]);
      }),
    );
  });

  it('match what they match on the server', () => {
    const name = fc.array(fc.constantFrom('a', 'b-1', 'snakepit'), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(pattern, name, (text, parts) => {
        fc.pre(taken(text));
        expect(matcherOf([text])(parts.join('.'))).toBe(compilePattern(text)(parts.join('.')));
      }),
    );
  });

  it.each([
    ['a..b', 'empty part'],
    ['a.**.b', '** before its end'],
    ['a.b!c', "part 'b!c'"],
    ['x'.repeat(201), 'longer than 200'],
    [Array.from({ length: 51 }, (_, i) => `a${i}`).join(' '), '51 patterns'],
  ])('%s is told what is wrong with it', (text, why) => {
    expect(patternFault(text)).toContain(why);
  });

  it('stand in one field, with spaces or commas between', () => {
    expect(patternsOf(' a.b, c.*  a.b\n')).toEqual(['a.b', 'c.*']);
    expect(patternFault('')).toBeUndefined();
    expect(matcherOf([])('any')).toBe(true);
  });
});

describe('rates', () => {
  it('are what rose by the second', () => {
    const before = { at: 1000, counts: { a: 10, b: 5 } };
    expect(ratesOf(before, { at: 3000, counts: { a: 30, b: 5, c: 9 } })).toEqual({ a: 10, b: 0 });
  });

  it('take a count that fell for one that began anew', () => {
    expect(ratesOf({ at: 0, counts: { a: 100 } }, { at: 1000, counts: { a: 4 } })).toEqual({ a: 4 });
  });

  it('are not known of one reading, nor of two at once', () => {
    expect(ratesOf(undefined, { at: 1, counts: { a: 1 } })).toEqual({});
    expect(ratesOf({ at: 1, counts: { a: 0 } }, { at: 1, counts: { a: 1 } })).toEqual({});
  });
});
