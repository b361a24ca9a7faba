/**
 * A host of its own, for what ends hosts. Started with its options as JSON:
 *
 * - `options`: of `createSnakepit`
 * - `host`: its number, so that no two hosts send the same token
 * - `children`: how many children each worker starts
 * - `requests`: how many requests it sends before it closes and ends by itself; without, it sends until it is killed
 *
 * Says `ready` on its standard output, and at its end the count of what it sent. It ends with its standard input.
 */
import { createSnakepit } from '../dist/index.js';
import { Tally } from './lib/tally.mjs';

const { options, host, children, requests = Number.POSITIVE_INFINITY } = JSON.parse(process.argv[2]);
process.stdin.on('end', () => process.exit(3)).resume();

const pit = await createSnakepit(options);
const tally = new Tally();
tally.attach(pit);
let token = host * 1_000_000_000;
const send = (command, args) => {
  const mine = ++token;
  return tally.follow(
    pit.execute(command, { token: mine, ...args }),
    (value) => value === mine || Array.isArray(value),
  );
};
const { workers } = pit.snapshot().pools.default;
// All at once: each worker gets one.
if (children > 0) await Promise.all(workers.map(() => send('breed', { children })));
console.log('ready');

const kinds = [['echo'], ['work', { ms: 5 }], ['say'], ['once']];
const lane = async (number) => {
  while (tally.sent < requests) await send(...kinds[(number + tally.sent) % kinds.length]);
};
await Promise.all([0, 1, 2, 3].map(lane));
await pit.close();
const { sent, settled, settledTwice, completed, wrong, codes } = tally;
console.log(JSON.stringify({ sent, settled, settledTwice, completed, wrong, codes }));
// Held open by the pipe only for the sake of whoever started it.
process.stdin.unref();
