import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Link } from '../../src/core/chain.ts';
import { FairQueue, type Placed } from '../../src/core/fair-queue.ts';

interface Item extends Placed {
  readonly id: number;
}

let lastId = 0;
const item = (priority = 0, fairnessKey?: string): Item => {
  const id = ++lastId;
  return { id, priority, fairnessKey, acceptedAt: id };
};

/** The same rules in the plainest way: all in one array, the turns of the keys in another. */
class Model {
  waiting: Item[] = [];
  #turns: Item[] = [];
  #passedOver = 0;

  push(added: Item): void {
    this.waiting.push(added);
    if (!this.#turns.some(sameLane(added))) this.#turns.push(added);
  }

  unshift(added: Item): void {
    this.waiting.unshift(added);
    this.#turns = [added, ...this.#turns.filter((turn) => !sameLane(added)(turn))];
  }

  remove(gone: Item): void {
    this.waiting = this.waiting.filter((other) => other !== gone);
    this.#forgetEmpty();
  }

  shift(): Item | undefined {
    const priorities = [...new Set(this.waiting.map(({ priority }) => priority))].sort((a, b) => b - a);
    const [top, ...lower] = priorities.map((priority) => this.#head(priority));
    const taken = lower.length > 0 && ++this.#passedOver === 16 ? this.#longest(lower) : top;
    if (taken === undefined) return undefined;
    const turn = this.#turns.find(sameLane(taken)) as Item;
    this.#turns = [...this.#turns.filter((other) => other !== turn), turn];
    this.remove(taken);
    return taken;
  }

  /** What is next in a level. */
  #head(priority: number): Item {
    const turn = this.#turns.find((other) => other.priority === priority) as Item;
    return this.waiting.find(sameLane(turn)) as Item;
  }

  #longest(heads: readonly Item[]): Item {
    this.#passedOver = 0;
    return heads.reduce((a, b) => (b.acceptedAt < a.acceptedAt ? b : a));
  }

  #forgetEmpty(): void {
    this.#turns = this.#turns.filter((turn) => this.waiting.some(sameLane(turn)));
  }
}

const sameLane = (a: Item) => (b: Item) => a.priority === b.priority && a.fairnessKey === b.fairnessKey;

/** A queue and its links. */
class Bench {
  readonly queue = new FairQueue<Item>();
  readonly #links = new Map<Item, Link<Item>>();

  push(...items: readonly Item[]): void {
    for (const added of items) this.queue.push(this.link(added));
  }

  link(of: Item): Link<Item> {
    const link = this.#links.get(of) ?? new Link(of);
    this.#links.set(of, link);
    return link;
  }

  take(count: number): Item[] {
    return Array.from({ length: count }, () => this.queue.shift() as Item);
  }
}

type Step =
  | { readonly kind: 'push'; readonly priority: number; readonly key: string | undefined }
  | { readonly kind: 'shift' }
  | { readonly kind: 'remove' | 'putBack'; readonly which: number };

const key: fc.Arbitrary<string | undefined> = fc.constantFrom(undefined, undefined, 'a', 'b', '');
const operations = (priority: fc.Arbitrary<number>, lane = key): fc.Arbitrary<Step[]> =>
  fc.array(
    fc.oneof<fc.WeightedArbitrary<Step>[]>(
      { weight: 5, arbitrary: fc.record({ kind: fc.constant('push' as const), priority, key: lane }) },
      { weight: 4, arbitrary: fc.record({ kind: fc.constant('shift' as const) }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('remove' as const), which: fc.nat() }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('putBack' as const), which: fc.nat() }) },
    ),
    { maxLength: 150, size: 'max' },
  );

/** Does the same to a queue and to the model, and compares them all the time. */
const compare = (steps: readonly Step[]): void => {
  const bench = new Bench();
  const model = new Model();
  const pushed: Item[] = [];
  const gone = new Set<Item>();
  for (const step of steps) {
    if (step.kind === 'push') {
      const added = item(step.priority, step.key);
      pushed.push(added);
      bench.push(added);
      model.push(added);
    } else if (step.kind === 'shift') {
      const taken = bench.queue.shift();
      expect(taken).toBe(model.shift());
      if (taken !== undefined) gone.add(taken);
    } else if (step.kind === 'remove' && pushed.length > 0) {
      // Also what has left already: a request is taken out when it settles, wherever it is.
      const which = pushed[step.which % pushed.length] as Item;
      bench.queue.remove(bench.link(which));
      model.remove(which);
      gone.add(which);
    } else if (step.kind === 'putBack' && gone.size > 0) {
      const which = [...gone][step.which % gone.size] as Item;
      gone.delete(which);
      bench.queue.unshift(bench.link(which));
      model.unshift(which);
    }
    expect(bench.queue.size).toBe(model.waiting.length);
    const lanes = new Set(model.waiting.map((w) => JSON.stringify([w.priority, w.fairnessKey])));
    expect(bench.queue.lanes).toBe(lanes.size);
    expect(bench.queue.countOf('a')).toBe(model.waiting.filter((w) => w.fairnessKey === 'a').length);
  }
  // Each that is not gone comes out, once.
  const rest = bench.take(bench.queue.size);
  expect(new Set([...rest, ...gone]).size).toBe(pushed.length);
  expect(rest.length + gone.size).toBe(pushed.length);
  expect(bench.queue.shift()).toBeUndefined();
  expect(bench.queue.lanes).toBe(0);
};

describe('a fair queue', () => {
  it('loses nothing, doubles nothing and keeps the order of a simple model, whatever is done to it', () => {
    fc.assert(fc.property(operations(fc.integer({ min: -2, max: 2 })), compare), { numRuns: 150 });
  });

  it('does so with a single level too, and without keys', () => {
    fc.assert(fc.property(operations(fc.constant(0)), compare));
    fc.assert(fc.property(operations(fc.constant(0), fc.constant(undefined)), compare));
    fc.assert(fc.property(operations(fc.integer({ min: -10, max: 10 }), fc.constant(undefined)), compare));
  });

  it('serves at most k − 1 others between two turns of one of k keys, however much the others have queued', () => {
    const backlog = fc.integer({ min: 1, max: 40 });
    fc.assert(
      fc.property(
        fc.array(backlog, { minLength: 1, maxLength: 8 }),
        fc.boolean(),
        (backlogs, withKeyless) => {
          const keys = backlogs.map((_, i) => (withKeyless && i === 0 ? undefined : `tenant-${i}`));
          const bench = new Bench();
          // Tenant by tenant: each floods the queue before the next comes.
          backlogs.forEach((count, i) => {
            bench.push(...Array.from({ length: count }, () => item(0, keys[i])));
          });
          const served = bench.take(bench.queue.size).map(({ fairnessKey }) => fairnessKey);
          for (const of of keys) {
            const turns = served.flatMap((other, at) => (other === of ? [at] : []));
            expect(turns[0]).toBeLessThan(keys.length);
            for (let i = 1; i < turns.length; i++)
              expect((turns[i] as number) - (turns[i - 1] as number)).toBeLessThanOrEqual(keys.length);
          }
        },
      ),
    );
  });

  it('lets a key that comes and goes wait no more than one turn of each other', () => {
    const bench = new Bench();
    bench.push(...Array.from({ length: 100 }, () => item(0, 'flood')));
    for (let i = 0; i < 20; i++) {
      const rare = item(0, 'rare');
      bench.push(rare);
      expect(bench.take(2)).toContain(rare);
    }
  });

  it('keeps the order within a key and level', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: -10, max: 10 }), key), { maxLength: 200 }), (all) => {
        const bench = new Bench();
        bench.push(...all.map(([priority, of]) => item(priority, of)));
        const last = new Map<string, number>();
        for (const { priority, fairnessKey, id } of bench.take(all.length)) {
          const lane = JSON.stringify([priority, fairnessKey]);
          expect(id).toBeGreaterThan(last.get(lane) ?? 0);
          last.set(lane, id);
        }
      }),
    );
  });

  it('prefers higher levels, and gives lower ones every 16th turn, the longest wait first', () => {
    const bench = new Bench();
    const flood = () => bench.push(...Array.from({ length: 100 }, () => item(5)));
    flood();
    const waiting = [item(-3), item(0), item(-10, 'a'), item(0)];
    bench.push(...waiting);
    const served = bench.take(64);
    expect(
      served.map(({ priority }, at) => (priority === 5 ? undefined : at)).filter(Number.isFinite),
    ).toEqual([15, 31, 47, 63]);
    expect(served.filter(({ priority }) => priority < 5)).toEqual(waiting);
  });

  it('starves no level, whatever arrives above it', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -9, max: 10 }), { minLength: 1, maxLength: 20 }),
        fc.array(fc.integer({ min: -9, max: 10 }), { minLength: 1, maxLength: 50 }),
        (before, arrivals) => {
          const bench = new Bench();
          bench.push(...before.map((priority) => item(priority)));
          const last = item(-10);
          bench.push(last);
          let turns = 0;
          for (let taken: Item | undefined; taken !== last; turns++) {
            bench.push(item(arrivals[turns % arrivals.length]));
            taken = bench.queue.shift();
            expect(turns).toBeLessThan(16 * (before.length + 1));
          }
        },
      ),
    );
  });

  it('gives what comes back the next turn of its key and level', () => {
    const bench = new Bench();
    const [a1, a2, b1, b2] = [item(0, 'a'), item(0, 'a'), item(0, 'b'), item(0, 'b')];
    bench.push(a1, a2, b1, b2);
    expect(bench.take(2)).toEqual([a1, b1]);
    for (const back of [b1, a1]) bench.queue.unshift(bench.link(back));
    const high = item(1);
    bench.push(high);
    expect(bench.take(5)).toEqual([high, a1, b1, a2, b2]);
  });

  it('keeps nothing of a hundred thousand keys that came and went', () => {
    const bench = new Bench();
    for (let i = 0; i < 100_000; i++) {
      const link = new Link(item((i % 21) - 10, `tenant-${i}`));
      bench.queue.push(link);
      if (i % 3 === 0) bench.queue.remove(link);
      else if (i % 3 === 1) bench.queue.shift();
    }
    expect(bench.queue.lanes).toBe(bench.queue.size);
    expect(bench.queue.levels).toBeGreaterThan(1);
    while (bench.queue.size > 0) bench.queue.shift();
    expect([bench.queue.lanes, bench.queue.levels]).toEqual([0, 1]);
  });

  it('tells since when the longest of those that are next has waited', () => {
    const bench = new Bench();
    expect(bench.queue.headSince).toBeUndefined();
    const [low, high] = [item(-1, 'a'), item(1)];
    bench.push(low, high, item());
    expect(bench.queue.headSince).toBe(low.acceptedAt);
    bench.queue.remove(bench.link(low));
    expect(bench.queue.headSince).toBe(high.acceptedAt);
  });

  it('leaves alone what waits in another queue', () => {
    const [mine, other] = [new Bench(), new Bench()];
    for (const waiting of [item(), item(0, 'a'), item(3)]) {
      mine.push(waiting);
      other.push(item(waiting.priority, waiting.fairnessKey));
      other.queue.remove(mine.link(waiting));
    }
    expect([mine.queue.size, other.queue.size]).toEqual([3, 3]);
  });
});
