/**
 * Pictures of the live page, for looking at it: every view, light and dark, on a telephone and on a desk, of a real pool with work
 * and mishaps; then of an instance with 200 workers, and of one where nothing has happened yet.
 *
 *   npm run screenshots                  into screenshots/
 *   npm run screenshots -- errors slow   only the views with one of these words in their name
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { withBrowser } from './lib/browser.mjs';
import { ensureBuild, ensureDashboard, ensureDependencies } from './lib/ensure.mjs';
import { root } from './lib/run.mjs';

/** So long the library is at work before it is looked at: several slices of history, and a few workers gone. */
const WARM_UP_MS = Number(process.env.WARM_UP_MS ?? 40_000);
/** A machine that does much else may take so long for a page. */
const PATIENCE_MS = 120_000;
const themes = ['light', 'dark'];
const sizes = { narrow: { width: 390, height: 844 }, wide: { width: 1440, height: 900 } };
const wanted = process.argv.slice(2);
const folder = join(root, 'screenshots');

await ensureDependencies();
await ensureBuild();
await ensureDashboard();
const { createSnakepit } = await import('../dist/index.js');
const { createFakeSnakepit } = await import('../dist/testing/index.js');
const { keepBusy } = await import('../examples/main/visitors.mjs');

rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });

const json = async (url) => (await fetch(url)).json();

/** Each view with what it is to show. */
const viewsOf = async ({ opsUrl }) => {
  const { errors } = await json(`${opsUrl}/api/errors`);
  const { workers } = await json(`${opsUrl}/health/workers`);
  const { requests } = await json(`${opsUrl}/api/requests/slow`);
  const worker = workers.find(({ restarts }) => restarts > 0) ?? workers[0];
  const id = worker.worker_id ?? worker.id;
  const [slow] = requests;
  return {
    overview: 'view=overview',
    pools: 'view=pools',
    pool: 'view=pools&pool=default',
    worker: `view=worker&worker=${id}&id=${id}&pool=default`,
    latency: 'view=latency',
    errors: 'view=errors',
    ...(errors[0] !== undefined && { error: `view=errors&error=${errors[0].id}&id=${errors[0].id}` }),
    slow: 'view=slow',
    ...(slow !== undefined && { 'slow-one': `view=slow&request=${slow.request_id}&id=${slow.request_id}` }),
    events: 'view=events',
    ...(errors[0] !== undefined && {
      story: `view=events&correlation_id=${errors[0].correlation_id}`,
    }),
    health: 'view=health',
    telemetry: 'view=telemetry',
  };
};

/**
 * Opens a view and waits for what it shows. Not for the browser's `load`, which comes late on a busy machine and says nothing of a page that is fed by a stream. A connection that breaks before
 * the page is there is tried once more: the browser opens some in advance, and the server may end one in the moment in which it is first used.
 */
const arrive = async (page, url) => {
  const go = () => page.goto(url, { waitUntil: 'commit', timeout: PATIENCE_MS });
  await go().catch((error) => {
    if (!/net::ERR_/.test(error.message)) throw error;
    console.warn(`${error.message.split('\n', 1)[0]}: once more`);
    return go();
  });
  await page.locator('h1').first().waitFor({ timeout: PATIENCE_MS });
  // What is still fetched.
  await page.waitForFunction(() => document.querySelector('.skeleton, .plot-wait') === null, undefined, {
    timeout: PATIENCE_MS,
  });
};

const picture = async (browser, url, { name, theme, size }) => {
  const context = await browser.newContext({
    viewport: sizes[size],
    colorScheme: theme,
    reducedMotion: 'reduce',
    locale: 'en-GB',
    timezoneId: 'UTC',
  });
  try {
    const page = await context.newPage();
    await arrive(page, url);
    // Two frames of the stream.
    await sleep(1500);
    await page.screenshot({ path: join(folder, `${name}-${size}-${theme}.png`), fullPage: true });
  } finally {
    await context.close();
  }
};

const pictures = async (browser, pit, prefix, views) => {
  for (const [view, query] of Object.entries(views)) {
    const name = `${prefix}${view}`;
    if (wanted.length > 0 && !wanted.some((word) => name.includes(word))) continue;
    for (const theme of themes)
      for (const size of Object.keys(sizes))
        await picture(browser, `${pit.dashboardUrl}?${query}`, { name, theme, size });
    console.log(name);
  }
};

/** Now and then more come at once than may wait; each has a session. */
const crowds = async (pit, signal) => {
  for (let n = 0; !signal.aborted; n++) {
    const one = (_, i) =>
      pit.execute('search', { query: 'whale' }, { sessionId: `reader-${(n * 7 + i) % 90}` }).catch(() => {});
    await Promise.all(Array.from({ length: 30 }, one));
    await sleep(6000, undefined, { signal }).catch(() => {});
  }
};

const atWork = async (browser) => {
  const pit = await createSnakepit({
    pools: {
      default: {
        app: new URL('../examples/library/demo.py', import.meta.url),
        workers: 4,
        poisonForMs: 20_000,
        // Less than a crowd.
        maxQueue: 20,
        env: { PYTHONDONTWRITEBYTECODE: '1' },
      },
    },
    // Near enough to what requests take to be seen in the charts.
    health: { criteria: { response_time: { warning: 400, error: 1500 } } },
    logs: false,
    ops: { port: 0 },
  });
  const stop = new AbortController();
  const busy = Promise.all([keepBusy(pit, stop.signal), crowds(pit, stop.signal)]);
  try {
    await sleep(WARM_UP_MS);
    await pictures(browser, pit, '', await viewsOf(pit));
  } finally {
    stop.abort();
    await busy.catch(() => {});
    await pit.close();
  }
};

const many = async (browser) => {
  const pit = await createFakeSnakepit({
    ops: { port: 0 },
    pools: { large: { workers: 200, commands: { rest: () => sleep(200) } } },
  });
  const stop = new AbortController();
  const lane = async () => {
    while (!stop.signal.aborted) await pit.execute('rest', {}, { pool: 'large' }).catch(() => {});
  };
  const lanes = Array.from({ length: 150 }, lane);
  try {
    await sleep(6000);
    await pictures(browser, pit, 'many-', { overview: 'view=overview', pools: 'view=pools' });
  } finally {
    stop.abort();
    await Promise.all(lanes);
    await pit.close();
  }
};

const empty = async (browser) => {
  const pit = await createFakeSnakepit({ ops: { port: 0 } });
  try {
    const names = ['overview', 'pools', 'latency', 'errors', 'slow', 'events', 'health', 'telemetry'];
    const views = Object.fromEntries(names.map((name) => [name, `view=${name}`]));
    await pictures(browser, pit, 'empty-', views);
  } finally {
    await pit.close();
  }
};

await withBrowser(async (browser) => {
  for (const scene of [atWork, many, empty]) await scene(browser);
});
console.log(`In ${folder}`);
