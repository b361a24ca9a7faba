import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { chromium } from 'playwright-core';

const NAME = 'chromium';
const END_MS = 5000;

const onPath = () =>
  (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, NAME))
    .find((file) => existsSync(file));

/**
 * Does something with a browser, which is gone afterwards.
 *
 * @param {(browser: import('playwright-core').Browser) => Promise<void>} work
 */
export const withBrowser = async (work) => {
  const executablePath = onPath();
  if (executablePath === undefined) {
    console.error('A browser is needed: chromium is not on PATH (apt-get install chromium).');
    process.exit(2);
  }
  const server = await chromium.launchServer({
    executablePath,
    // Its sandbox does not start for root.
    chromiumSandbox: process.getuid?.() !== 0,
    args: ['--disable-dev-shm-usage'],
  });
  try {
    await work(await chromium.connect(server.wsEndpoint()));
  } finally {
    const child = server.process();
    await Promise.race([server.close(), new Promise((resolve) => setTimeout(resolve, END_MS).unref())]);
    if (child.exitCode === null) child.kill('SIGKILL');
  }
};
