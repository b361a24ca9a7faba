/**
 * What does the sanitizer find, what does it spoil, and how long does it take? The goal for a typical argument object of 1 KB is
 * at most 10 µs.
 *
 *   npm run build && node bench/sanitize.mjs
 */
import { performance } from 'node:perf_hooks';
import { createSanitizer, sanitize, sanitizeText } from '../dist/sanitize/index.js';
import { measure, tables } from '../test/sanitize/corpus.mjs';

const ROUNDS = 30;
const CALLS = 2000;
const GOAL = 10;

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

/** Microseconds a call. */
const time = (work) => {
  for (let i = 0; i < CALLS * 3; i++) work();
  const rounds = Array.from({ length: ROUNDS }, () => {
    const began = performance.now();
    for (let i = 0; i < CALLS; i++) work();
    return ((performance.now() - began) * 1000) / CALLS;
  });
  return median(rounds);
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

console.log(`${tables(measure(sanitize, { seed: 1 }))}\n`);

const size = JSON.stringify(args).length;
const whole = time(() => sanitize(args));
const hashing = createSanitizer({ hashKey: 'bench', emails: true, paths: ['user.name', '**.ssn'] });
const prose = 'The quick brown fox jumps over the lazy dog, and nobody minds. '.repeat(16);
console.log(`arguments of ${size} characters: ${whole.toFixed(2)} µs (the goal is ${GOAL})`);
console.log(`  with paths, e-mail and hashes: ${time(() => hashing.value(args)).toFixed(2)} µs`);
console.log(`  JSON.stringify, for comparison: ${time(() => JSON.stringify(args)).toFixed(2)} µs`);
console.log(`  structuredClone, for comparison: ${time(() => structuredClone(args)).toFixed(2)} µs`);
console.log(`a short message: ${time(() => sanitizeText('worker default-1 is ready')).toFixed(3)} µs`);
console.log(`prose of ${prose.length} characters: ${time(() => sanitizeText(prose)).toFixed(2)} µs`);
