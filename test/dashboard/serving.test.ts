import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Page } from 'playwright-core';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createFakeSnakepit, type FakeSnakepitOptions } from '../../src/testing/index.ts';
import { newFolder } from '../support/pit.ts';
import { hasBrowser, NO_TROUBLES, openPage, sharedBrowser } from './browser.ts';
import { proxyTo } from './served.ts';

const TOKEN = 'a-token-for-tests-only';

const start = async (options: FakeSnakepitOptions = {}) => {
  const pit = await createFakeSnakepit({
    ops: { port: 0 },
    commands: { echo: (args) => args, fail: () => Promise.reject(new Error('</script><b id="in">no</b>')) },
    ...options,
  });
  onTestFinished(() => pit.close());
  return pit;
};

/** The page has taken over from the empty HTML. */
const boots = (page: Page) => page.waitForFunction(() => document.getElementById('app')?.childElementCount);
/** It shows the pool, so data has come. */
const showsData = (page: Page) => page.getByText('default', { exact: true }).first().waitFor();

describe.skipIf(!hasBrowser)('the page in a browser', () => {
  const browser = sharedBrowser();

  it.each([
    ['at the root', {}, ''],
    ['below a prefix', { prefix: '/pit' }, ''],
    ['with a slash at the end', { prefix: '/pit' }, '/?view=overview'],
  ])('runs %s, asking nobody else for anything', async (_, ops, more) => {
    const pit = await start({ ops: { port: 0, ...ops } });
    const { page, troubles } = await openPage(browser.current, `${pit.dashboardUrl}${more}`);
    await showsData(page);
    expect(troubles).toEqual(NO_TROUBLES);
  });

  it('logs in behind a proxy that strips a path, and out by losing the session', async () => {
    const pit = await start({ ops: { port: 0, token: TOKEN } });
    const outside = await proxyTo(pit.opsUrl as string, '/tools/pit');
    const { page, troubles } = await openPage(browser.current, `${outside}/dashboard?view=errors`);
    await page.getByLabel('Token').fill('not the token, but as long');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').waitFor();
    await page.getByLabel('Token').fill(TOKEN);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Errors' }).waitFor();
    // The token is nowhere that a script could read it later.
    expect(
      await page.evaluate(() => document.cookie + JSON.stringify({ ...localStorage, ...sessionStorage })),
    ).not.toContain(TOKEN);
    expect(page.url()).toBe(`${outside}/dashboard?view=errors`);
    await page.reload();
    await page.getByRole('heading', { level: 1, name: 'Errors' }).waitFor();

    await page.context().clearCookies();
    await page.reload();
    await page.getByLabel('Token').waitFor();
    expect(troubles).toMatchObject({ policy: [], errors: [], foreign: [] });
    for (const failed of troubles.failed) expect(failed).toMatch(/: 401$/);
  });

  it('says what to do where callers from afar have no way in', async () => {
    const pit = await start();
    const outside = await proxyTo(pit.opsUrl as string, '/tools');
    const response = await fetch(`${outside}/dashboard`);
    expect(response.status).toBe(403);
    expect(((await response.json()) as { detail: string }).detail).toContain('ops.token');
  });
});

describe.skipIf(!hasBrowser)('the file of an incident', () => {
  const browser = sharedBrowser();

  it('opens without a server, shows what was, and runs nothing of what it holds', async () => {
    const pit = await start();
    await pit.execute('echo', {});
    await pit.execute('fail', {}).catch(() => {});
    const { page: live } = await openPage(browser.current, `${pit.dashboardUrl}`);
    const [download] = await Promise.all([
      live.waitForEvent('download'),
      live.evaluate(() => {
        const link = document.createElement('a');
        link.href = './api/incident';
        link.click();
      }),
    ]);
    expect(download.suggestedFilename()).toMatch(/^snakepit-incident-.*Z\.html$/);
    const file = join(newFolder(), 'incident.html');
    await download.saveAs(file);
    await pit.close();

    const { page, troubles } = await openPage(browser.current, pathToFileURL(file).href);
    await boots(page);
    await showsData(page);
    await page
      .getByText(/Recorded at/)
      .first()
      .waitFor();
    expect(await page.locator('#in').count()).toBe(0);
    const data = JSON.parse((await page.locator('#recorded').textContent()) as string);
    expect(JSON.stringify(data.errors)).toContain('</script>');
    expect({ ...troubles, foreign: troubles.foreign.filter((url) => !url.startsWith('file:')) }).toEqual(
      NO_TROUBLES,
    );
  });
});
