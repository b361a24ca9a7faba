import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';
import { type Browser, type BrowserServer, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, onTestFinished } from 'vitest';
import { requireTool } from '../support/tools.ts';

/** Whether these tests can run: with a browser, as npm packages bring none. */
export const hasBrowser = requireTool('chromium');

/** How long a browser on a machine that does much else may take for anything. Milliseconds. */
export const PATIENCE_MS = 30_000;

const END_MS = 5000;
const isRoot = process.getuid?.() === 0;

const within = (work: Promise<unknown>, ms: number) =>
  Promise.race([work, new Promise((resolve) => setTimeout(resolve, ms).unref())]);

const programOnPath = (name: string): string =>
  (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find((file) => existsSync(file)) ?? name;

const launch = (): Promise<BrowserServer> =>
  chromium.launchServer({
    executablePath: programOnPath('chromium'),
    // Its sandbox does not start for root.
    chromiumSandbox: !isRoot,
    // Containers have a small /dev/shm.
    args: ['--disable-dev-shm-usage'],
    handleSIGINT: false,
    handleSIGTERM: false,
  });

/** One browser for a test file; gone with it, whatever happened. */
export const sharedBrowser = (): { readonly current: Browser } => {
  let server: BrowserServer | undefined;
  let browser: Browser | undefined;
  beforeAll(async () => {
    server = await launch();
    browser = await chromium.connect(server.wsEndpoint());
  });
  afterAll(async () => {
    await within(browser?.close() ?? Promise.resolve(), END_MS);
    await within(server?.close() ?? Promise.resolve(), END_MS);
    const child = server?.process();
    if (child !== undefined && child.exitCode === null) child.kill('SIGKILL');
  });
  return {
    get current() {
      if (browser === undefined) throw new Error('The browser is there inside tests only.');
      return browser;
    },
  };
};

/** What ought not to happen on a page. */
export interface Troubles {
  /** Violations of the Content-Security-Policy. */
  readonly policy: string[];
  /** Errors that nobody handled, and what was written to the console as one. */
  readonly errors: string[];
  /** Requests to anywhere but the server of the page. */
  readonly foreign: string[];
  /** Requests without an answer, or with one that is an error. */
  readonly failed: string[];
}

export interface Opened {
  readonly page: Page;
  readonly troubles: Troubles;
}

export interface OpenOptions {
  readonly theme?: 'light' | 'dark';
  readonly width?: number;
  readonly height?: number;
  /** Sent with every request, as a proxy would. */
  readonly headers?: Record<string, string>;
  readonly reducedMotion?: 'reduce' | 'no-preference';
}

const noteTroubles = (page: Page, origin: string): Troubles => {
  const troubles: Troubles = { policy: [], errors: [], foreign: [], failed: [] };
  page.on('pageerror', (error) => troubles.errors.push(error.message));
  page.on('console', (message) => {
    const text = message.text();
    if (text.startsWith('policy: ')) troubles.policy.push(text);
    // What it says of failed requests is noted there.
    else if (message.type() === 'error' && !text.startsWith('Failed to load resource'))
      troubles.errors.push(text);
  });
  page.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(`${origin}/`) && !url.startsWith('data:') && !url.startsWith('blob:'))
      troubles.foreign.push(url);
  });
  page.on('requestfailed', (request) => {
    const why = request.failure()?.errorText ?? '';
    // A stream that the page closes.
    if (why !== 'net::ERR_ABORTED') troubles.failed.push(`${request.url()}: ${why}`);
  });
  page.on('response', (response) => {
    if (response.status() >= 400) troubles.failed.push(`${response.url()}: ${response.status()}`);
  });
  return troubles;
};

/** Opens an address as a new visitor; closed with the test. */
export const openPage = async (
  browser: Browser,
  url: string,
  { theme = 'light', width = 1280, height = 900, headers, reducedMotion = 'reduce' }: OpenOptions = {},
): Promise<Opened> => {
  const context = await browser.newContext({
    colorScheme: theme,
    viewport: { width, height },
    reducedMotion,
    locale: 'en-GB',
    timezoneId: 'UTC',
    ...(headers !== undefined && { extraHTTPHeaders: headers }),
  });
  onTestFinished(() => within(context.close(), END_MS) as Promise<void>);
  context.setDefaultTimeout(PATIENCE_MS);
  await context.addInitScript(() => {
    addEventListener(
      'securitypolicyviolation',
      ({ violatedDirective, blockedURI, sourceFile, lineNumber }) => {
        console.error(`policy: ${violatedDirective} ${blockedURI} at ${sourceFile}:${lineNumber}`);
      },
    );
  });
  const page = await context.newPage();
  const { origin, protocol } = new URL(url);
  const troubles = noteTroubles(page, protocol === 'file:' ? 'file://' : origin);
  await page.goto(url);
  return { page, troubles };
};

export const NO_TROUBLES: Troubles = { policy: [], errors: [], foreign: [], failed: [] };

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface AxeResult {
  readonly violations: readonly {
    readonly id: string;
    readonly help: string;
    readonly nodes: readonly { readonly target: readonly unknown[]; readonly failureSummary?: string }[];
  }[];
}

/** What hinders people on a page as it is now, by the rules of axe for WCAG 2.2 A and AA and its best practices; a line each. */
export const hindrances = async (page: Page): Promise<string[]> => {
  await page.evaluate(axeSource);
  const { violations } = await page.evaluate(() =>
    (globalThis as unknown as { axe: { run(): Promise<AxeResult> } }).axe.run(),
  );
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id} (${help}): ${target.join(' ')}\n${failureSummary}`),
  );
};
