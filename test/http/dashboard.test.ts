import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DashboardFiles } from '../../src/http/ops/dashboard-files.ts';
import { createOpsHandler } from '../../src/index.ts';
import { createFakeSnakepit, type FakeSnakepitOptions } from '../../src/testing/index.ts';
import { type Answer, ask, serve, TOKEN } from './support.ts';

const start = async (options: FakeSnakepitOptions = {}) => {
  const pit = await createFakeSnakepit({ ops: { port: 0 }, ...options });
  onTestFinished(() => pit.close());
  return pit;
};
const served = async (options: FakeSnakepitOptions = {}): Promise<string> =>
  (await start(options)).opsUrl as string;

const REMOTE = { 'x-forwarded-for': '10.1.2.3' };
const assetsOf = (html: string): string[] =>
  [...html.matchAll(/(?:src|href)="(\.\/dashboard\/assets\/[^"]+)"/g)].map(([, path]) => path as string);
/** Every file that the page's HTML needs, as a browser finds it. */
const assetUrls = async (pageUrl: string): Promise<string[]> =>
  assetsOf((await ask(pageUrl)).text).map((path) => new URL(path, pageUrl).href);

const plain = ({ headers, body }: Answer): string => {
  const encoding = headers['content-encoding'];
  if (encoding === 'br') return brotliDecompressSync(body).toString();
  return encoding === 'gzip' ? gunzipSync(body).toString() : body.toString();
};

describe('the page', () => {
  it('is HTML without anything inline, and refers to hashed files beside it', async () => {
    const url = await served();
    const page = await ask(`${url}/dashboard`);
    expect(page).toMatchObject({ status: 200, headers: { 'content-type': 'text/html; charset=utf-8' } });
    expect(page.text).not.toMatch(/<style|style=|\son\w+=|<script(?![^>]*\ssrc=)/);
    // Nothing from elsewhere: every address is relative, or data.
    for (const [, address] of page.text.matchAll(/(?:src|href|action)="([^"]*)"/g))
      expect(address).toMatch(/^(\.\/|data:image)/);
    const assets = assetsOf(page.text);
    expect(assets.some((path) => /-[\w-]{8}\.js$/.test(path))).toBe(true);
    for (const asset of await assetUrls(`${url}/dashboard`)) {
      const { status, headers } = await ask(asset);
      expect(status, asset).toBe(200);
      expect(headers['content-type']).toBe(
        asset.endsWith('.js') ? 'text/javascript; charset=utf-8' : 'text/css; charset=utf-8',
      );
    }
  });

  it('comes with strict headers, as its files do', async () => {
    const url = await served();
    const [asset] = await assetUrls(`${url}/dashboard`);
    for (const address of [`${url}/dashboard`, asset as string]) {
      const { headers } = await ask(address);
      expect(headers['content-security-policy']).toBe(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
      );
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-resource-policy': 'same-origin',
      });
      expect(headers['permissions-policy']).toContain('camera=()');
    }
  });

  it('is asked for anew each time, its files never again', async () => {
    const url = await served();
    const page = await ask(`${url}/dashboard`);
    const [asset] = await assetUrls(`${url}/dashboard`);
    const file = await ask(asset as string);
    expect(page.headers['cache-control']).toBe('no-cache');
    expect(file.headers['cache-control']).toBe('public, max-age=31536000, immutable');
    for (const [address, { headers }] of [
      [`${url}/dashboard`, page],
      [asset as string, file],
    ] as const) {
      const etag = headers.etag as string;
      for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
        const again = await ask(address, { headers: { 'if-none-match': known } });
        expect(again, known).toMatchObject({ status: 304, text: '' });
      }
      expect((await ask(address, { headers: { 'if-none-match': '"other"' } })).status).toBe(200);
    }
  });

  it('comes compressed to those who take it, as another entity', async () => {
    const url = await served();
    for (const address of [`${url}/dashboard`, ...(await assetUrls(`${url}/dashboard`))]) {
      const identity = await ask(address);
      const etags = new Set([identity.headers.etag]);
      expect(identity.headers['content-encoding']).toBeUndefined();
      for (const [accepted, encoding] of [
        ['gzip, deflate, br', 'br'],
        ['gzip', 'gzip'],
        ['br;q=0, gzip;q=0.5', 'gzip'],
        ['br;q=0, gzip;q=0', undefined],
      ] as const) {
        const answer = await ask(address, { headers: { 'accept-encoding': accepted } });
        expect(answer.headers['content-encoding'], accepted).toBe(encoding);
        expect(answer.headers.vary).toBe('accept-encoding');
        expect(plain(answer)).toBe(identity.text);
        etags.add(answer.headers.etag);
      }
      expect(etags.size).toBe(3);
    }
  });

  it('answers HEAD with the length, and other methods with what it takes', async () => {
    const url = await served();
    const { body } = await ask(`${url}/dashboard`);
    const head = await ask(`${url}/dashboard`, { method: 'HEAD' });
    expect(head).toMatchObject({ status: 200, text: '', headers: { 'content-length': String(body.length) } });
    expect(await ask(`${url}/dashboard`, { method: 'POST' })).toMatchObject({
      status: 405,
      headers: { allow: 'GET, HEAD' },
    });
  });

  it('serves what the build made and nothing else', async () => {
    const url = await served();
    const { port } = new URL(url);
    const [asset] = (await assetUrls(`${url}/dashboard`)).map((address) => new URL(address).pathname);
    for (const path of [
      '/dashboard/assets/..%2findex.html',
      '/dashboard/assets/%2e%2e%2frecorded.js.br',
      '/dashboard/assets/../../../package.json',
      '/dashboard/assets/__proto__',
      '/dashboard/assets/',
      '/dashboard/recorded.js.br',
      `${asset}.br`,
      `${asset}%00`,
    ]) {
      // Node's client sends the path as it is given.
      const { status, text } = await ask(`http://127.0.0.1:${port}${path}`);
      expect(status, path).toBe(404);
      expect(text).toContain('not_found');
    }
  });

  it('sends from a slash at the end to the page, with the query', async () => {
    const url = await served({ ops: { port: 0, prefix: '/pit' } });
    const answer = await ask(`${url}/pit/dashboard/?view=pools&pool=a%20b`);
    expect(answer.status).toBe(307);
    expect(new URL(answer.headers.location as string, `${url}/pit/dashboard/`).href).toBe(
      `${url}/pit/dashboard?view=pools&pool=a%20b`,
    );
  });

  it('is named by /health and by the instance, with the prefix', async () => {
    const pit = await start({ ops: { port: 0, prefix: '/pit' } });
    expect(pit.dashboardUrl).toBe(`${pit.opsUrl}/pit/dashboard`);
    const { links } = (await ask(`${pit.opsUrl}/pit/health`)).json;
    expect(links.dashboard).toBe('/pit/dashboard');
    expect((await assetUrls(pit.dashboardUrl as string)).length).toBeGreaterThan(0);
    for (const asset of await assetUrls(pit.dashboardUrl as string))
      expect((await ask(asset)).status).toBe(200);
  });

  it('is not there when it is switched off, nor is anything of it', async () => {
    const pit = await start({ dashboard: false });
    const paths = ['/dashboard', '/dashboard/', '/dashboard/assets/x.js', '/api/live', '/api/history'];
    const more = ['/api/workers/x', '/api/incident', '/api/login'];
    for (const path of [...paths, ...more])
      expect((await ask(`${pit.opsUrl}${path}`)).status, path).toBe(404);
    expect((await ask(`${pit.opsUrl}/api/login`, { method: 'POST' })).status).toBe(404);
    expect(pit.dashboardUrl).toBeUndefined();
    expect((await ask(`${pit.opsUrl}/health`)).json.links).not.toHaveProperty('dashboard');
    expect((await ask(`${pit.opsUrl}/health`)).status).toBe(200);
  });

  it('is served to those who could log in, and refused where nobody can', async () => {
    const withToken = await served({ ops: { port: 0, token: TOKEN } });
    const [asset] = await assetUrls(`${withToken}/dashboard`);
    for (const address of [`${withToken}/dashboard`, asset as string])
      expect((await ask(address, { headers: REMOTE })).status).toBe(200);
    expect((await ask(`${withToken}/api/history`, { headers: REMOTE })).status).toBe(401);
    expect((await ask(`${withToken}/api/incident`, { headers: REMOTE })).status).toBe(401);

    const without = await served();
    for (const path of ['/dashboard', '/dashboard/assets/x.js', '/api/login'])
      expect(await ask(without + path, { headers: REMOTE }), path).toMatchObject({
        status: 403,
        json: { code: 'forbidden' },
      });
    expect((await ask(`${withToken}/dashboard`, { headers: { host: 'evil.example' } })).status).toBe(403);
  });

  it('can be mounted in another server, below a path that is stripped there', async () => {
    const pit = await start({ ops: {} });
    const { fetch } = createOpsHandler(pit, { access: 'open' });
    const { url } = await serve((request) => {
      const inner = new URL(request.url);
      inner.pathname = inner.pathname.replace(/^\/tools/, '');
      return fetch(new Request(inner, request));
    });
    const assets = await assetUrls(`${url}/tools/dashboard`);
    expect(assets.length).toBeGreaterThan(0);
    for (const asset of assets) {
      expect(asset).toContain('/tools/dashboard/assets/');
      expect((await ask(asset)).status).toBe(200);
    }
  });
});

describe('the built files', () => {
  const folder = fileURLToPath(new URL('../../dist/dashboard/', import.meta.url));

  it('need less than 64 KB for the first paint', () => {
    const html = readFileSync(`${folder}index.html`, 'utf8');
    const needed = assetsOf(html).map((path) => path.replace('./dashboard/', ''));
    // The script, and what it shares with the views that are loaded later.
    expect(needed.filter((path) => path.endsWith('.js')).length).toBeLessThanOrEqual(2);
    expect(needed.filter((path) => path.endsWith('.css')).length).toBe(1);
    const bytes = ['index.html', ...needed].map((path) => readFileSync(`${folder}${path}.gz`).length);
    expect(bytes.reduce((sum, size) => sum + size)).toBeLessThan(64 * 1024);
  });

  it('name nothing to fetch elsewhere', () => {
    for (const name of readdirSync(`${folder}assets`)) {
      if (!/\.(js|css)$/.test(name)) continue;
      const text = readFileSync(`${folder}assets/${name}`, 'utf8');
      // Namespaces of SVG and MathML are names, not addresses.
      const addresses = [...text.matchAll(/https?:\/\/[^\s"'`)]+/g)].map(([address]) => address);
      expect(
        addresses.filter((address) => !address.startsWith('http://www.w3.org/')),
        name,
      ).toEqual([]);
      expect(text).not.toMatch(/\beval\(|new Function\(/);
    }
  });

  it('are missed with a word on how to make them', () => {
    const missing = new DashboardFiles(new URL('file:///no/such/folder/'));
    expect(() => missing.files()).toThrow(/not in \/no\/such\/folder\/.*npm run build/);
    expect(() => missing.recorded()).toThrow(/npm run build/);
  });
});
