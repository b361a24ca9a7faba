import { createHash } from 'node:crypto';
import { describe, expect, it, onTestFinished } from 'vitest';
import { embedded, incidentHtml } from '../../src/http/ops/incident.ts';
import { createFakeSnakepit } from '../../src/testing/index.ts';
import { ask } from './support.ts';

const page = { script: 'document.title = "</script><!--";', style: 'main { color: red }' };
const sha = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
const only = (html: string, pattern: RegExp): string => {
  const found = [...html.matchAll(pattern)];
  expect(found).toHaveLength(1);
  return found[0]?.[1] as string;
};

describe('the file of an incident', () => {
  const hostile = { recorded_at: 0, text: '</script><script>alert(1)</script><!-- \u2028 \u2029 & "' };

  it('holds its data, whatever is in it, where nothing runs', () => {
    const html = incidentHtml(page, hostile);
    const data = only(html, /<script type="application\/json" id="recorded">(.*?)<\/script>/gs);
    expect(JSON.parse(data)).toEqual(hostile);
    expect(data).not.toMatch(/[<\u2028\u2029]/);
    expect(embedded('<')).toBe('"\\u003c"');
    // Its own script, and the data: nothing in the data has become a third.
    expect([...html.matchAll(/<script/g)]).toHaveLength(2);
    expect([...html.matchAll(/<\/script>/g)]).toHaveLength(2);
    expect(html).not.toContain('<!--');
  });

  it('runs its own script and style and nothing else', () => {
    const html = incidentHtml(page, hostile);
    const script = only(html, /<script>(.*?)<\/script>/gs);
    const policy = only(html, /http-equiv="Content-Security-Policy" content="([^"]*)"/g);
    expect(policy).toBe(
      `default-src 'none'; script-src ${sha(script)}; style-src ${sha(page.style)}; img-src data:; connect-src 'none'; base-uri 'none'; form-action 'none'`,
    );
    const said = { title: '' };
    new Function('document', script)(said);
    expect(said.title).toBe('</script><!--');
  });

  it('is a download with the time in its name', async () => {
    const pit = await createFakeSnakepit({ ops: { port: 0 }, commands: { echo: (args) => args } });
    onTestFinished(() => pit.close());
    await pit.execute('echo', {});
    const answer = await ask(`${pit.opsUrl}/api/incident`);
    expect(answer).toMatchObject({ status: 200, headers: { 'content-type': 'text/html; charset=utf-8' } });
    expect(answer.headers['content-disposition']).toMatch(
      /^attachment; filename="snakepit-incident-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ\.html"$/,
    );
    expect(answer.headers['cache-control']).toBe('no-store');
    const data = JSON.parse(only(answer.text, /id="recorded">(.*?)<\/script>/gs));
    expect(data.now.pools[0]).toMatchObject({ name: 'default' });
    expect(data.recorded_at).toBeGreaterThan(0);
    expect((await ask(`${pit.opsUrl}/api/incident?pool=x`)).status).toBe(400);
    expect((await ask(`${pit.opsUrl}/health`)).json.links.incident).toBe('/api/incident');
  });

  it('is searched for fake secrets as every answer is', async () => {
    const pit = await createFakeSnakepit({ ops: { port: 0 }, sanitize: { canary: true } });
    onTestFinished(() => pit.close());
    const seen: string[] = [];
    const { canary } = pit.served.sanitizer;
    expect(canary).toBeDefined();
    if (canary === undefined) return;
    const inspect = canary.inspect.bind(canary);
    canary.inspect = (sink, text) => {
      seen.push(`${sink} ${text.includes('id="recorded"')}`);
      return inspect(sink, text);
    };
    await ask(`${pit.opsUrl}/api/incident`);
    expect(seen).toContain('ops true');
    seen.length = 0;
    await ask(`${pit.opsUrl}/dashboard`);
    expect(seen).toEqual([]);
  });
});
