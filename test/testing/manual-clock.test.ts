import { describe, expect, it, onTestFinished } from 'vitest';
import { every, after as later, monotonic, now } from '../../src/events/index.ts';
import { manualClock } from '../../src/testing/index.ts';

const installed = (startAt?: number) => {
  const time = manualClock(startAt === undefined ? {} : { startAt });
  onTestFinished(time.install());
  return time;
};

describe('a manual clock', () => {
  it('stands still until it is moved', async () => {
    const time = installed(1_000_000);
    const from = monotonic();
    expect(now()).toBe(1_000_000);
    expect(monotonic()).toBe(from);
    await time.advance(250);
    expect(monotonic()).toBe(from + 250);
    expect(time.now()).toBe(1_000_250);
    expect(now()).toBe(1_000_250);
  });

  it('calls what falls due in order, each at its own time, with promises in between', async () => {
    const time = installed(0);
    const calls: string[] = [];
    const note = (what: string) => () => calls.push(`${what} ${time.now()}`);
    later(30, note('late'));
    later(10, () => {
      note('first')();
      void Promise.resolve().then(() => later(5, note('from a promise')));
    });
    later(10, note('second'));
    const ticking = every(10, note('tick'));
    await time.advance(29);
    expect(calls).toEqual(['first 10', 'second 10', 'tick 10', 'from a promise 15', 'tick 20']);
    await time.advance(1);
    expect(calls.slice(5)).toEqual(['late 30', 'tick 30']);
    ticking.stop();
    await time.advance(100);
    expect(calls).toHaveLength(7);
    expect(time.pending).toBe(0);
  });

  it('waits anew where a wait is put off, and never where it was given up', async () => {
    const time = installed();
    let calls = 0;
    const wait = later(10, () => calls++);
    await time.advance(9);
    wait.refresh();
    await time.advance(9);
    expect(calls).toBe(0);
    await time.advance(1);
    expect(calls).toBe(1);
    wait.refresh();
    expect(time.pending).toBe(1);
    wait.stop();
    wait.refresh();
    expect(time.pending).toBe(0);
  });

  it('gives way to the former clock again', () => {
    const time = manualClock({ startAt: 0 });
    const restore = time.install();
    expect(now()).toBe(0);
    restore();
    expect(Math.abs(now() - Date.now())).toBeLessThan(1000);
    time.install();
    time[Symbol.dispose]();
    expect(Math.abs(now() - Date.now())).toBeLessThan(1000);
  });

  it('goes forward only', async () => {
    await expect(manualClock().advance(-1)).rejects.toThrow(RangeError);
    await expect(manualClock().advance(Number.NaN)).rejects.toThrow('got NaN');
  });
});
