import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Page } from 'playwright-core';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createFakeSnakepit, WorkerCrash } from '../../src/testing/index.ts';
import { until } from '../support/pit.ts';
import { hasBrowser, openPage, sharedBrowser } from './browser.ts';

const MIB = 2 ** 20;

/** What is left once all that nobody holds is let go. */
const heapOfPage = async (page: Page): Promise<number> => {
  const session = await page.context().newCDPSession(page);
  await session.send('HeapProfiler.collectGarbage');
  const { usedSize } = await session.send('Runtime.getHeapUsage');
  await session.detach();
  return usedSize;
};

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** The smallest of a few looks: what is on its way at the moment is no leak. */
const heapOfServer = async (): Promise<number> => {
  let least = Number.POSITIVE_INFINITY;
  for (let look = 0; look < 5; look++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 20));
    least = Math.min(least, process.memoryUsage().heapUsed);
  }
  return least;
};

describe.skipIf(!hasBrowser)('in a long run', () => {
  const browser = sharedBrowser();

  it('more than a thousand dead workers and tens of thousands of errors leave page and server as they were', async () => {
    const pit = await createFakeSnakepit({
      commands: {
        fail: ({ n }: { n: number }) => {
          throw new Error(`it went wrong ${n}`);
        },
        die: () => {
          throw new WorkerCrash({ signal: 'SIGKILL' });
        },
      },
      pools: {
        default: {
          workers: 4,
          restartDelayMs: 1,
          maxRestartDelayMs: 1,
          crashLoopAfter: 1_000_000,
          poisonAfter: 0,
        },
      },
      ops: { port: 0 },
    });
    onTestFinished(() => pit.close());
    const { page } = await openPage(browser.current, `${pit.dashboardUrl}?view=errors`);
    const tries = async (command: string, times: number, more: (n: number) => object = () => ({})) => {
      for (let n = 0; n < times; n += 50)
        await Promise.allSettled(
          Array.from({ length: 50 }, (_, i) => pit.execute(command, { ...more(n + i) })),
        );
    };
    const round = async (deaths: number, errors: number) => {
      await tries('die', deaths);
      await tries('fail', errors, (n) => ({ n }));
      const counted = pit.errors.counts().errors;
      const shown = () =>
        page
          .getByText(new RegExp(`${counted.toLocaleString('en')} errors`))
          .first()
          .isVisible();
      await until(shown, 'the page has caught up');
    };
    // All that is kept is full from here on.
    await round(300, 10_000);
    const before = { server: await heapOfServer(), page: await heapOfPage(page) };
    await round(1500, 40_000);
    const after = { server: await heapOfServer(), page: await heapOfPage(page) };
    expect(after.server - before.server, 'heap of the server').toBeLessThan(12 * MIB);
    expect(after.page - before.page, 'heap of the page').toBeLessThan(4 * MIB);
  }, 240_000);
});
