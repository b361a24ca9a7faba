import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { sanitize } from '../../src/sanitize/index.ts';
import { type Figures, measure, measureHeldOut, measureUnseen, tables } from './corpus.mjs';

const page = readFileSync(new URL('../../docs/sanitizing.md', import.meta.url), 'utf8');
const again = 'run `node bench/sanitize.mjs --write`';

const shares = ({ recall, precision }: Figures): string[] =>
  [recall.right / recall.total, precision.wrong.length / precision.total].map(
    (share) => `${(share * 100).toFixed(1)} %`,
  );

it('docs/sanitizing.md tells the figures that the corpora give', () => {
  const own = measure(sanitize, { seed: 1 });
  const others = [measureHeldOut, measureUnseen].flatMap((of) => shares(of(sanitize, { seed: 1 })));
  const row = ['Snakepit', ...shares(own), ...others];
  expect(page, again).toContain(`| ${row.join(' | ')} |`);
  expect(page, again).toContain(tables(own));
});

it('and how many kinds there are', () => {
  const said = [...page.matchAll(/in (\d+) templates of secrets and (\d+) of harmless lines/g)];
  expect(said.map(([, ...counts]) => counts.map(Number))).toEqual(
    [measureHeldOut, measureUnseen].map((of) => {
      const { recall, precision } = of(sanitize, { seed: 1, rounds: 1 });
      return [recall, precision].map(({ kinds }) => Object.keys(kinds).length);
    }),
  );
});
