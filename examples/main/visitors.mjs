import { setMaxListeners } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { isSnakepitError } from 'snakepit';

const VISITORS = 6;
/** What a visitor thinks between two questions, on average. Six of them ask some 65 times a second, at most 120. */
const THINK_MS = 60;
const SHORTEST_THINK_MS = 50;

const queries = [
  'the winter of despair',
  'a good fortune',
  'the watery part of the world',
  'all men are created equal',
  'endless forms most beautiful',
  'dead as a door-nail',
  'white rabbit with a watch',
  'tired poor huddled masses',
  'a midnight dreary',
  'slings and arrows',
  'freedom of speech',
  'love and time',
];
const planets = readFileSync(new URL('../library/planets.csv', import.meta.url));

const pick = (list) => list[Math.floor(Math.random() * list.length)];
const readAll = async (stream) => {
  for await (const _ of stream);
};

/** What visitors ask, and how often in comparison. `titles` are what the library itself says it has. */
const errands = [
  [30, (pit) => pit.execute('search', { query: pick(queries) })],
  [20, (pit, titles) => pit.execute('keywords', { title: pick(titles) })],
  [15, (pit, titles) => pit.execute('similar', { title: pick(titles), limit: 3 })],
  [15, (pit, titles) => pit.execute('readability', { title: pick(titles) })],
  [8, (pit, titles) => pit.execute('digest', { title: pick(titles) })],
  [6, (pit, titles) => readAll(pit.stream('summarize', { title: pick(titles), sentences: 5 }))],
  // Bytes stay bytes: the file goes over as it is.
  [5, (pit) => pit.execute('table_statistics', { csv: planets })],
  [1, (pit, titles) => readAll(pit.stream('read_aloud', { title: pick(titles), words_per_second: 40 }))],
];
const total = errands.reduce((sum, [weight]) => sum + weight, 0);

const anErrand = () => {
  let left = Math.random() * total;
  for (const [weight, errand] of errands) {
    left -= weight;
    if (left < 0) return errand;
  }
  return errands[0][1];
};

const deaths = ['segfault', 'killed', 'exit'];
let died = 0;

/** What goes wrong, and how often. Each is something that happens to every service one day. */
const mishaps = [
  { everyMs: 900, what: (pit) => pit.execute('keywords', { title: 'moby-dik' }) },
  { everyMs: 1300, what: (pit) => pit.execute('search', { query: 'whale', limit: 'five' }) },
  { everyMs: 1700, what: (pit) => pit.execute('sumarize', { title: 'the-raven' }) },
  { everyMs: 2300, what: (pit) => pit.execute('slow_report', { seconds: 30 }, { timeoutMs: 250 }) },
  {
    everyMs: 1900,
    what: (pit) => pit.execute('slow_report', { seconds: 30 }, { signal: AbortSignal.timeout(150) }),
  },
  { everyMs: 3100, what: (pit) => pit.execute('slow_report', { seconds: 0.7 }) },
  { everyMs: 5000, firstMs: 1000, what: (pit) => pit.execute('unstable', { how: deaths[died++ % 3] }) },
];

/** Does it; what the library says went wrong is part of the show and counted elsewhere, anything else is a bug. */
const attempt = async (work) => {
  try {
    await work();
  } catch (error) {
    if (!isSnakepitError(error)) throw error;
  }
};

const pause = (ms, signal) => sleep(ms, undefined, { signal }).catch(() => {});

const visitor = async (pit, titles, signal) => {
  while (!signal.aborted) {
    const errand = anErrand();
    await attempt(() => errand(pit, titles));
    await pause(Math.max(SHORTEST_THINK_MS, -Math.log(1 - Math.random()) * THINK_MS), signal);
  }
};

const mishap = async (pit, { everyMs, firstMs = everyMs, what }, signal) => {
  await pause(firstMs, signal);
  while (!signal.aborted) {
    await Promise.all([attempt(() => what(pit)), pause(everyMs, signal)]);
  }
};

/** Keeps the library busy until `signal` aborts; resolves when the last one asked has been answered. */
export const keepBusy = async (pit, signal) => {
  // Everybody who pauses listens to it; that is no leak.
  setMaxListeners(0, signal);
  const titles = (await pit.execute('titles')).map(({ title }) => title);
  const visitors = Array.from({ length: VISITORS }, () => visitor(pit, titles, signal));
  await Promise.all([...visitors, ...mishaps.map((one) => mishap(pit, one, signal))]);
};
