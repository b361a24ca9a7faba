import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { startCli } from '../cli/run-cli.ts';
import { runtimeEnv } from '../cli/terminal.ts';
import { newFolder, python, startPit, until } from '../support/pit.ts';
import { testPython } from '../support/tools.ts';
import { standForeign } from '../transport/grpc/support.ts';
import { hasBrowser, NO_TROUBLES, openPage, sharedBrowser } from './browser.ts';

const app = python`
  @command
  def echo(n: int = 0):
      return n

  @command
  def break_it(what: str = 'x'):
      raise LookupError('there is no ' + what)

  @command
  def miss(what: str, where: str):
      raise LookupError(f'there is no {what}\nin the {where}')

  @command
  def hang():
      note('hanging')
      wait_for('go on')
      return 'done'
`;

const start = async (pool: object = {}, more: object = {}) => {
  const test = await startPit({
    pool: { app, workers: 2, slowAfterMs: 200, restartDelayMs: 10, ...pool },
    ops: { port: 0 },
    ...more,
  });
  const view = (query: string) => `${test.pit.dashboardUrl}?${query}`;
  return { ...test, pit: test.pit, view };
};

/** Waits until a text is to be read on the page, whatever shows it. */
const reads = async (page: Page, text: string | RegExp): Promise<void> => {
  await page.getByText(text).filter({ visible: true }).first().waitFor();
};

describe.skipIf(!hasBrowser)('what happens is seen on the page', () => {
  const browser = sharedBrowser();

  it('a worker that is killed, and the one that takes its place', async () => {
    const { pit, view } = await start();
    const pools = await openPage(browser.current, view('view=pools&pool=default'));
    const events = await openPage(browser.current, view('view=events'));
    const [worker] = pit.snapshot().pools.default?.workers ?? [];
    const [id, pid] = [worker?.id as string, worker?.pid as number];
    await reads(pools.page, new RegExp(id));
    process.kill(pid, 'SIGKILL');
    await reads(events.page, /worker\.crashed/);
    const next = await until(() => {
      const [now] = pit.snapshot().pools.default?.workers ?? [];
      return now?.id !== id && now?.pid != null && now.id;
    }, 'another worker fills the slot');
    await reads(pools.page, new RegExp(next as string));
    for (const { troubles } of [pools, events]) expect(troubles).toEqual(NO_TROUBLES);
  });

  it('where workers are that somebody else has started, also on a telephone', async () => {
    const { address } = await standForeign();
    const { pit, view } = await start({
      ...{ app: undefined, workers: undefined },
      remote: { addresses: [address, address.replace('127.0.0.1', 'localhost')] },
    });
    const pools = await openPage(browser.current, view('view=pools&pool=default'));
    await reads(pools.page, address);
    expect(await pools.page.getByRole('columnheader', { name: 'PID' }).count()).toBe(0);
    const id = pit.snapshot().pools.default?.workers.find((worker) => worker.address === address)?.id;
    const phone = await openPage(browser.current, view(`view=worker&id=${id}`), { width: 390 });
    await reads(phone.page, 'Where it is');
    await phone.page.getByRole('button', { name: `Copy ${address}` }).waitFor();
    for (const { page, troubles } of [pools, phone]) {
      const { scrollWidth, clientWidth } = await page.evaluate(() => {
        const { scrollWidth, clientWidth } = document.documentElement;
        return { scrollWidth, clientWidth };
      });
      expect(scrollWidth).toBeLessThanOrEqual(clientWidth);
      expect(troubles).toEqual(NO_TROUBLES);
    }
  });

  it('a request that hangs, with where it stands, until it is over', async () => {
    const { pit, view, open, noted } = await start();
    const { page, troubles } = await openPage(browser.current, view('view=slow'));
    const hanging = pit.execute('hang', {});
    hanging.catch(() => {});
    await noted('hanging');
    await reads(page, /hang/);
    await reads(page, /running/i);
    open('go on');
    await hanging;
    expect(troubles).toEqual(NO_TROUBLES);
  });

  it('errors, with their message and their traceback', async () => {
    const { pit, view } = await start();
    const { page, troubles } = await openPage(browser.current, view('view=errors'));
    await pit.execute('break_it', { what: 'cake' }).catch(() => {});
    await reads(page, /python_exception/);
    await reads(page, /there is no/);
    const [error] = pit.errors.list({}).errors;
    await page.goto(view(`view=errors&error=${error?.id}`));
    await reads(page, /LookupError/);
    expect(troubles).toEqual(NO_TROUBLES);
  });

  it('each error under its own kind, however alike two are, and from there its request', async () => {
    const { pit, view } = await start();
    // Their first lines, which are all that lists have, are the same.
    for (const where of ['kitchen', 'cellar', 'cellar'])
      await pit
        .execute('miss', { what: 'cake', where }, { correlationId: `looked-in-${where}` })
        .catch(() => {});
    const { errors } = pit.errors.list({});
    const { page, troubles } = await openPage(browser.current, view('view=overview'));
    const latest = page.getByRole('link', { name: 'LookupError: there is no cake' });
    await until(async () => (await latest.count()) === 3, 'all errors are listed');
    await latest.nth(2).click();
    await reads(page, 'LookupError: there is no cake in the kitchen');
    await page.locator('.error-shape.whole', { hasText: 'in the kitchen' }).waitFor();
    expect(await page.locator('.error-lines li').count()).toBe(1);
    await page.getByRole('link', { name: 'Follow this request in the events' }).click();
    await reads(page, 'looked-in-kitchen');
    await page.goto(view(`view=errors&request=${errors[0]?.request_id}`));
    await page.locator('.error-shape.whole', { hasText: 'in the cellar' }).waitFor();
    expect(await page.locator('.error-lines li').count()).toBe(2);
    await page.locator('.error-message', { hasText: 'in the cellar' }).waitFor();
    await page.goto(view('view=errors&request=req_gone'));
    await reads(page, /No error of this request/);
    expect(troubles).toEqual(NO_TROUBLES);
  });

  it('the thresholds of health in the charts, as lines and in words, and what was refused', async () => {
    const { pit, view, open, noted } = await start(
      { workers: 1, maxQueue: 1 },
      { health: { criteria: { response_time: { warning: 123_000, error: 456_000 } } } },
    );
    const hanging = [pit.execute('hang', {})];
    await noted('hanging');
    hanging.push(pit.execute('hang', {}));
    for (const each of hanging) each.catch(() => {});
    for (let n = 0; n < 3; n++) await pit.execute('echo', { n }).catch(() => {});
    const { page, troubles } = await openPage(browser.current, view('view=pools&pool=default'));
    const chart = (title: string) => page.locator('figure.chart', { hasText: title });
    // Nothing was timed, so both lines are in the chart; who does not see them is told all the same.
    const limits = (title: string) => chart(title).locator('p').textContent();
    expect(await limits('Response time')).toBe('Health: p95 warning from 2 m 3 s; p95 error from 7 m 36 s');
    expect(await limits('Availability')).toBe('Health: warning below 100%; error at 0%');
    const refused = chart('Refused, in 5 s');
    await refused.getByText('Show as table').click();
    // The time, all that were refused, and those by a full queue.
    await refused.getByRole('row', { name: /:\d\d ([1-3]) \1$/ }).waitFor();
    // Now it takes no time at all: both lines are far above.
    open('go on');
    await Promise.all(hanging);
    for (let n = 0; n < 5; n++) await pit.execute('echo', { n });
    await reads(page, /p95 error from 7 m 36 s, above what is shown/);
    expect(troubles).toEqual(NO_TROUBLES);
  });

  it('that the instance drains', async () => {
    const { pit, view, open, noted } = await start();
    const { page, troubles } = await openPage(browser.current, view('view=overview'));
    await reads(page, /default/);
    const hanging = pit.execute('hang', {});
    hanging.catch(() => {});
    await noted('hanging');
    const drained = pit.drain(60_000);
    await reads(page, /draining/i);
    open('go on');
    await Promise.all([hanging, drained]);
    expect(troubles).toMatchObject({ policy: [], errors: [], foreign: [] });
  });
});

describe.skipIf(!hasBrowser)('a server that is gone', () => {
  const browser = sharedBrowser();

  const serve = async (opsPort: number) => {
    const folder = newFolder();
    const argv = [
      'serve',
      app,
      '--workers',
      '1',
      '--port',
      '0',
      '--ops-port',
      String(opsPort),
      '--python',
      testPython(),
    ];
    const running = startCli(argv, folder, {
      ...runtimeEnv(folder),
      SNAKEPIT_TEST_SIDE: folder,
      TMPDIR: folder,
    });
    const line = await until(
      () =>
        /^\{.*snakepit\.ready.*\}$/m.exec(running.output.stdout)?.[0] ??
        (running.child.exitCode !== null && running.output.stderr),
      'it is ready',
    );
    return { running, ready: JSON.parse(line as string) as { ops_url: string; dashboard_url: string } };
  };

  it('is said to be, and what is shown to be old; the page goes on with the next one at the same place', async () => {
    const first = await serve(0);
    const { page, troubles } = await openPage(browser.current, first.ready.dashboard_url);
    await reads(page, /default/);
    first.running.child.kill('SIGKILL');
    await reads(page, /Stale since/);
    // What was last known is still there.
    await reads(page, /default/);
    await first.running.ended;
    await serve(Number(new URL(first.ready.ops_url).port));
    await page
      .getByText(/Stale since/)
      .filter({ visible: true })
      .first()
      .waitFor({ state: 'hidden' });
    expect(troubles).toMatchObject({ policy: [], errors: [], foreign: [] });
  });
});
