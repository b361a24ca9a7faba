import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Chain, Link } from '../../src/core/chain.ts';

describe('a chain', () => {
  it('behaves like an array, whatever is done to it', () => {
    const operation = fc.record({
      kind: fc.constantFrom('push', 'unshift', 'shift', 'remove', 'rotate'),
      item: fc.nat({ max: 9 }),
    });
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 200 }), (operations) => {
        const links = Array.from({ length: 10 }, (_, i) => new Link(i));
        const chain = new Chain<number>();
        let model: number[] = [];
        for (const { kind, item } of operations) {
          const link = links[item] as Link<number>;
          if ((kind === 'push' || kind === 'unshift') && !model.includes(item)) {
            chain[kind](link);
            model[kind](item);
          } else if (kind === 'shift') expect(chain.shift()).toBe(model.shift());
          else if (kind === 'remove') {
            chain.remove(link);
            model = model.filter((other) => other !== item);
          } else if (kind === 'rotate') {
            const first = model.shift();
            if (first !== undefined) model.push(first);
            expect(chain.rotate()).toBe(first);
          }
          expect(chain.size).toBe(model.length);
          expect(chain.first).toBe(model[0]);
        }
        const rest: (number | undefined)[] = [];
        while (chain.size > 0) rest.push(chain.shift());
        expect(rest).toEqual(model);
      }),
    );
  });

  it('leaves a link of another chain alone', () => {
    const link = new Link('a');
    const [mine, other] = [new Chain<string>(), new Chain<string>()];
    mine.push(link);
    other.remove(link);
    expect(mine.first).toBe('a');
  });
});
