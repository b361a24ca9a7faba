import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Link } from '../../src/core/chain.ts';
import { Deadlines } from '../../src/core/deadlines.ts';

/** Fake timers drive `performance.now()` too, so deadlines can be told to the millisecond. */
class Item {
  readonly dueAt: number;
  readonly dueLink: Link<this> = new Link(this);
  constructor(
    readonly name: string,
    readonly waitMs: number,
  ) {
    this.dueAt = performance.now() + waitMs;
  }
}

describe('deadlines', () => {
  const due: string[] = [];
  let deadlines: Deadlines<Item>;
  const add = (name: string, waitMs: number): Item => {
    const item = new Item(name, waitMs);
    deadlines.add(item);
    return item;
  };

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    due.length = 0;
    deadlines = new Deadlines((item) => due.push(item.name));
  });
  afterEach(() => vi.useRealTimers());

  it('fire in their order, whatever the waits', () => {
    add('late', 100);
    add('soon', 10);
    vi.advanceTimersByTime(50);
    add('between', 20);
    vi.advanceTimersByTime(19);
    expect(due).toEqual(['soon']);
    vi.advanceTimersByTime(1);
    expect(due).toEqual(['soon', 'between']);
    vi.advanceTimersByTime(30);
    expect(due).toEqual(['soon', 'between', 'late']);
  });

  it('that are removed do not fire, also from the middle of a lane', () => {
    add('a', 10);
    const gone = add('b', 10);
    add('c', 10);
    deadlines.remove(gone);
    vi.advanceTimersByTime(10);
    expect(due).toEqual(['a', 'c']);
  });

  it('share one timer a wait, and leave none behind', () => {
    const items = Array.from({ length: 1000 }, (_, i) => add(String(i), 10));
    expect(vi.getTimerCount()).toBe(1);
    for (const item of items) deadlines.remove(item);
    vi.advanceTimersByTime(10);
    expect(vi.getTimerCount()).toBe(0);
    expect(due).toEqual([]);
  });

  it('added while others fire are kept', () => {
    deadlines = new Deadlines((item) => {
      due.push(item.name);
      if (item.name === 'first') add('second', 10);
    });
    add('first', 10);
    vi.advanceTimersByTime(10);
    vi.advanceTimersByTime(10);
    expect(due).toEqual(['first', 'second']);
  });
});
