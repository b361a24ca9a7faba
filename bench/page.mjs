/**
 * How soon is it on the screen? A browser shows the live page of an instance at work; in the page itself the time is noted at which something
 * that has just happened has been painted:
 *
 * - events: an event is emitted, and its row is there in the view of events
 * - workers: a worker is replaced, and the new one's id is there in the view of its pool
 *
 * Times are from the emit to the frame after the change, by one clock. The goal is a p95 below one second.
 *
 *   npm run bench -- page
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createSnakepit } from '../dist/index.js';
import { withBrowser } from '../scripts/lib/browser.mjs';

const EVENTS = Number(process.env.EVENTS ?? 100);
const REPLACED = Number(process.env.REPLACED ?? 30);
const LANES = Number(process.env.LANES ?? 8);

const percentile = (values, share) =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))];

/** In the page: when a text has been painted, by the clock that the emitter has too. */
const painted = (text) =>
  new Promise((resolve) => {
    const root = document.body;
    const isThere = () => root.innerHTML.includes(text);
    const afterPaint = () => requestAnimationFrame(() => setTimeout(() => resolve(Date.now()), 0));
    if (isThere()) return afterPaint();
    const observer = new MutationObserver(() => {
      if (!isThere()) return;
      observer.disconnect();
      afterPaint();
    });
    observer.observe(root, { subtree: true, childList: true, characterData: true, attributes: true });
  });

/** Does something many times, each time when the one before is on the screen. */
const measure = async (page, times, make) => {
  const took = [];
  for (let i = 0; i < times; i++) {
    // Not in step with the stream.
    await sleep(Math.random() * 250);
    took.push(await make(i, (text) => page.evaluate(painted, text)));
  }
  return took;
};

const events = async (page, pit) => {
  await page.goto(`${pit.dashboardUrl}?view=events&pattern=bench.mark`);
  await page.locator('h1').first().waitFor();
  // The first event shows that the stream is open.
  const open = page.evaluate(painted, 'mark-open');
  const knock = setInterval(() => pit.bus.emit('bench.mark', {}, { command: 'mark-open' }), 200);
  await open;
  clearInterval(knock);
  return measure(page, EVENTS, async (i, onScreen) => {
    const shown = onScreen(`mark-${i}-`);
    const at = Date.now();
    pit.bus.emit('bench.mark', {}, { command: `mark-${i}-` });
    return (await shown) - at;
  });
};

const workers = async (page, pit) => {
  await page.goto(`${pit.dashboardUrl}?view=pools&pool=default`);
  await page.locator('h1').first().waitFor();
  const born = [];
  pit.bus.registerConsumer(
    'snakepit.worker.starting',
    {
      name: 'births',
      handle: ({ metadata }) => born.splice(0, 1)[0]?.({ id: metadata.worker_id, at: Date.now() }),
    },
    { delivery: 'inline', sampled: false },
  );
  return measure(page, REPLACED, async (_, onScreen) => {
    const birth = new Promise((resolve) => born.push(resolve));
    const [{ id: old }] = pit.snapshot().pools.default.workers;
    const replaced = pit.recycleWorker(old);
    const { id, at } = await birth;
    const shown = await onScreen(id);
    await replaced;
    return shown - at;
  });
};

const pit = await createSnakepit({
  pools: {
    default: { app: new URL('./app.py', import.meta.url), workers: 2, python: process.env.SNAKEPIT_PYTHON },
  },
  logs: false,
  ops: { port: 0 },
});
const stop = new AbortController();
let calls = 0;
const lane = async () => {
  while (!stop.signal.aborted) {
    await pit.execute('millisecond').catch(() => {});
    calls++;
    // Room for the browser: the load is there, the machine is not full.
    await sleep(20);
  }
};
const lanes = Array.from({ length: LANES }, lane);
try {
  await withBrowser(async (browser) => {
    const page = await (await browser.newContext({ viewport: { width: 1440, height: 900 } })).newPage();
    const began = performance.now();
    for (const [name, bench] of Object.entries({ events, workers })) {
      const took = await bench(page, pit);
      const [p50, p95, p99] = [0.5, 0.95, 0.99].map((share) => `${percentile(took, share)} ms`);
      console.log(
        `${name.padEnd(8)} n ${took.length}   p50 ${p50}   p95 ${p95}   p99 ${p99}   goal p95 < 1000 ms`,
      );
    }
    console.log(`under ${Math.round(calls / ((performance.now() - began) / 1000))} calls a second`);
  });
} finally {
  stop.abort();
  await Promise.all(lanes);
  await pit.close();
}
