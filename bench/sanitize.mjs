/**
 * What does the sanitizer find, what does it spoil, and how long does it take, beside what others use? The goal for a typical argument
 * object of 1 KB is at most 10 µs.
 *
 *   npm run build && (cd bench && npm ci) && node bench/sanitize.mjs
 *
 * With `--write` the tables are put into docs/sanitizing.md, where a test compares them with what the corpus gives.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { createSanitizer, sanitize, sanitizeText } from '../dist/sanitize/index.js';
import { measure, measureHeldOut, measureUnseen, tables } from '../test/sanitize/corpus.mjs';
import { contenders } from './sanitize-contenders.mjs';

const ROUNDS = 300;
const CALLS = 200;
const GOAL = 10;

/** Microseconds a call, in the fastest of many short rounds: what else the machine does only ever adds. */
const time = (work) => {
  for (let i = 0; i < CALLS * 30; i++) work();
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const began = performance.now();
    for (let i = 0; i < CALLS; i++) work();
    least = Math.min(least, ((performance.now() - began) * 1000) / CALLS);
  }
  return least;
};

/** What a handler is typically called with: ids, options, a text, a few numbers, a list of messages. */
const args = {
  request_id: '7f9c24e8-3b1d-4c6a-9f57-2d4b8a6e1c03',
  tenant: 'acme-europe',
  user: { id: 48213, name: 'Ann Example', locale: 'en-GB', roles: ['reader', 'editor'] },
  model: 'bert-base-uncased',
  input:
    'The committee met on Tuesday to discuss the new schedule. Members agreed that the second proposal was clearer, and asked for a ' +
    'revised draft by the end of the month: two pages, with figures.',
  options: { max_tokens: 512, temperature: 0.7, top_p: 0.95, stop: ['\n\n', '###'], stream: false, seed: 42 },
  features: [0.12, 0.5, 0.98, 0.33, 0.71, 0.05, 0.64, 0.29],
  messages: [
    { role: 'system', text: 'You answer briefly and name your sources.' },
    { role: 'user', text: 'Which of the two proposals was preferred, and why? Quote the passage.' },
  ],
  source: 'https://files.example.com/minutes/2024/05/minutes-17.pdf?version=3',
  created_at: '2024-05-17T09:30:00.000Z',
  checksum: 'b5bb9d8014a0f9b1d61e21e796d78dccdf1352f23cd32812f4850b878ae4944c',
  token: 'abcdefgh12345678',
};

const size = JSON.stringify(args).length;
const micros = (value) => `${value.toFixed(1)} µs`;
const percent = (share) => `${(share * 100).toFixed(1)} %`;

/** One row: what is masked and what is spoiled on each corpus, and the time for the object. */
const rowOf = ({ name, show, note = '', cost }) => {
  const corpora = [measure, measureHeldOut, measureUnseen].map((of) => of(show, { seed: 1 }));
  const shares = corpora.flatMap(({ recall, precision }) => [
    percent(recall.right / recall.total),
    percent(precision.wrong.length / precision.total),
  ]);
  return `| ${[name, ...shares, `${micros(cost)}${note && ` (${note})`}`].join(' | ')} |`;
};

const snakepit = { name: 'Snakepit', show: sanitize, run: sanitize };
// Before the corpora, which every kind of value there is goes through at once: compiled code is slower after that.
const timed = [snakepit, ...contenders].map((one) => ({ ...one, cost: time(() => one.run(args)) }));
const hashing = createSanitizer({ hashKey: 'bench', emails: true, paths: ['user.name', '**.ssn'] });
const prose = 'The quick brown fox jumps over the lazy dog, and nobody minds. '.repeat(16);
const timeRow = (what, work) => `| ${what} | ${time(work).toFixed(2)} µs |`;
const times = [
  ['that object', () => sanitize(args)],
  ['that object, with paths, e-mail and hashes', () => hashing.value(args)],
  ['`JSON.stringify` of it, for comparison', () => JSON.stringify(args)],
  ['`structuredClone` of it, for comparison', () => structuredClone(args)],
  ['a pino line of it without redaction, for comparison', () => contenders[0].baseline(args)],
  ['a message of 25 characters', () => sanitizeText('worker default-1 is ready')],
  [`prose of ${prose.length} characters`, () => sanitizeText(prose)],
].map(([what, work]) => timeRow(what, work));

const comparison = [
  `| | first: masked | spoiled | second: masked | spoiled | third: masked | spoiled | object of ${size} characters |`,
  '| --- | --: | --: | --: | --: | --: | --: | --: |',
  ...timed.map(rowOf),
].join('\n');
times.push(timeRow('that object, after all the corpora', () => sanitize(args)));
const tablesOfKinds = tables(measure(sanitize, { seed: 1 }));

const shown = [comparison, ['| | time |', '| --- | --: |', ...times].join('\n'), tablesOfKinds].join('\n\n');
console.log(shown);
console.log(`\narguments of ${size} characters: ${timed[0].cost.toFixed(2)} µs (the goal is ${GOAL})`);

if (process.argv.includes('--write')) {
  const page = new URL('../docs/sanitizing.md', import.meta.url);
  const marks = /(<!-- measured -->\n)[\s\S]*?(<!-- \/measured -->)/;
  const text = readFileSync(page, 'utf8');
  const at = `Node ${process.version}, ${new Date().toISOString().slice(0, 10)}`;
  writeFileSync(
    page,
    text.replace(marks, (_, open, close) => `${open}\nMeasured with ${at}.\n\n${shown}\n\n${close}`),
  );
}
