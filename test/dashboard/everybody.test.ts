import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { errorOf, python, sharedPit } from '../support/pit.ts';
import { hasBrowser, hindrances, NO_TROUBLES, openPage, sharedBrowser } from './browser.ts';

const app = python`
  @command
  def echo(n: int = 0):
      return n

  @command
  def break_it(what: str = 'x'):
      raise LookupError('there is no ' + what)

  @command
  def rest():
      time.sleep(0.3)

  @command
  def die():
      os.kill(os.getpid(), signal.SIGKILL)
`;

/** A dozen pages each, on a machine that may do much else. Milliseconds. */
const LONG = { timeout: 240_000 };

const views = ['overview', 'pools', 'latency', 'errors', 'slow', 'events', 'health', 'telemetry'];

describe.skipIf(!hasBrowser)('for everybody', () => {
  const browser = sharedBrowser();
  const test = sharedPit({
    pool: { app, workers: 2, slowAfterMs: 100, restartDelayMs: 10 },
    ops: { port: 0 },
  });
  /** A view with something in it. */
  const at = (query: string) => `${test.pit.dashboardUrl}?${query}`;
  const open = async (query: string, theme: 'light' | 'dark' = 'light', width = 1280) => {
    const opened = await openPage(browser.current, at(query), { theme, width });
    await opened.page.getByRole('heading', { level: 1 }).first().waitFor();
    await opened.page.getByText('default').first().waitFor({ state: 'attached' });
    return opened;
  };
  /** With what belongs to one error, one worker. */
  const details = () => {
    const [error] = test.pit.errors.list({}).errors;
    const [worker] = test.pit.snapshot().pools.default?.workers ?? [];
    return [
      'view=pools&pool=default',
      `view=worker&pool=default&worker=${worker?.id}`,
      `view=errors&error=${error?.id}`,
      `view=events&correlation_id=${error?.correlation_id}`,
    ];
  };

  beforeAll(async () => {
    for (let n = 0; n < 20; n++) await test.pit.execute('echo', { n });
    await Promise.all([errorOf(test.pit.execute('break_it', {})), test.pit.execute('rest', {})]);
    await errorOf(test.pit.execute('die', {}));
    await test.serving(2);
  });

  const all = () => [...views.map((view) => `view=${view}`), ...details()];

  /** What is wrong in each view, of those in which something is. */
  const faults = async (
    look: (page: Page) => Promise<readonly string[]>,
    { theme, width }: { readonly theme?: 'light' | 'dark'; readonly width?: number } = {},
  ): Promise<Record<string, readonly string[]>> => {
    const found: Record<string, readonly string[]> = {};
    for (const query of all()) {
      const { page, troubles } = await open(query, theme, width);
      const faults = await look(page);
      if (faults.length > 0) found[query] = faults;
      expect(troubles, query).toEqual(NO_TROUBLES);
      await page.context().close();
    }
    return found;
  };

  it.each(['light', 'dark'] as const)('no view hinders anybody, in %s', LONG, async (theme) => {
    expect(await faults(hindrances, { theme })).toEqual({});
  });

  it('a telephone shows it without scrolling sideways', LONG, async () => {
    const overflow = (page: Page) =>
      page.evaluate(() => {
        const { scrollWidth, clientWidth } = document.documentElement;
        return scrollWidth > clientWidth ? [`${scrollWidth} px wide`] : [];
      });
    expect(await faults(overflow, { width: 390 })).toEqual({});
  });

  it('the keyboard reaches every control, and shows where it is', LONG, async () => {
    expect(await faults(notReached)).toEqual({});
  });
});

/** Controls that Tab does not come to; and those on which nothing shows that it is there. */
const notReached = async (page: Page): Promise<string[]> => {
  const count = await page.evaluate(() => {
    const controls = [
      ...document.querySelectorAll<HTMLElement>(
        'a[href], button, input, select, textarea, summary, [tabindex="0"]',
      ),
    ].filter(
      (control) => control.tabIndex >= 0 && control.checkVisibility() && !control.matches(':disabled'),
    );
    for (const [i, control] of controls.entries()) control.dataset.control = String(i);
    return controls.length;
  });
  const reached = new Set<string>();
  const unmarked: string[] = [];
  // A few more than there are: rows may have come meanwhile.
  for (let i = 0; i < count * 2 + 10 && reached.size < count; i++) {
    await page.keyboard.press('Tab');
    const { control, isMarked, text } = await page.evaluate(() => {
      const focused = document.activeElement as HTMLElement;
      const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(focused);
      return {
        control: focused.dataset.control,
        isMarked: (outlineStyle !== 'none' && outlineWidth !== '0px') || boxShadow !== 'none',
        text: focused.outerHTML.slice(0, 120),
      };
    });
    if (control === undefined) continue;
    if (!reached.has(control) && !isMarked) unmarked.push(`no mark: ${text}`);
    reached.add(control);
  }
  const missed = await page.evaluate(
    (seen) =>
      [...document.querySelectorAll<HTMLElement>('[data-control]')]
        .filter(({ dataset, isConnected }) => isConnected && !seen.includes(dataset.control as string))
        .map(({ outerHTML }) => `not reached: ${outerHTML.slice(0, 120)}`),
    [...reached],
  );
  return [...missed, ...unmarked];
};
