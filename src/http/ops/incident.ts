import { createHash } from 'node:crypto';
import { send } from '../respond.ts';
import type { DashboardFiles, RecordedPage } from './dashboard-files.ts';
import type { Read } from './endpoint.ts';
import { parametersOf } from './query.ts';

/** What the page shows of a moment. */
export type Recorder = () => { readonly recorded_at: number } | Promise<{ readonly recorded_at: number }>;

const SEPARATORS = /[<\u2028\u2029]/g;
const ESCAPED: Readonly<Record<string, string>> = {
  '<': '\\u003c',
  '\u2028': '\\u2028',
  '\u2029': '\\u2029',
};

/** JSON that ends no script element, whatever texts it holds. */
export const embedded = (value: unknown): string =>
  JSON.stringify(value).replace(SEPARATORS, (character) => ESCAPED[character] as string);

const hashOf = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** Both are inside string literals in what a bundler writes, where a backslash more says the same. */
const inScript = (script: string) =>
  script.replaceAll(/<(?=\/script)/gi, '\\x3C').replaceAll('<!--', '\\x3C!--');

const policyOf = ({ script, style }: RecordedPage): string =>
  [
    "default-src 'none'",
    `script-src ${hashOf(script)}`,
    `style-src ${hashOf(style)}`,
    'img-src data:',
    "connect-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');

const stamp = (at: number) => new Date(at).toISOString().slice(0, 19).replaceAll(':', '-');

const titleOf = (at: number) => `Snakepit, recorded at ${new Date(at).toISOString()}`;

/** One file that shows the page as it was, from wherever it is opened, without asking anybody for anything. */
export const incidentHtml = (page: RecordedPage, recorded: { readonly recorded_at: number }): string => {
  const script = inScript(page.script);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policyOf({ ...page, script })}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${titleOf(recorded.recorded_at)}</title>
<style>${page.style}</style>
</head>
<body>
<div id="app"></div>
<noscript>This file shows its data by a script; the data is in the element with the id "recorded".</noscript>
<script type="application/json" id="recorded">${embedded(recorded)}</script>
<script>${script}</script>
</body>
</html>
`;
};

/** `GET /api/incident`. */
export const incidentRead = (built: DashboardFiles, record: Recorder): Read => ({
  path: '/api/incident',
  link: 'incident',
  answer: async (c) => {
    parametersOf(c, []);
    const template = built.recorded();
    const recorded = await record();
    return send(c, 200, 'text/html; charset=utf-8', incidentHtml(template, recorded), {
      'content-disposition': `attachment; filename="snakepit-incident-${stamp(recorded.recorded_at)}Z.html"`,
      // Should a browser show it here all the same, it is nobody of this origin.
      'content-security-policy': "sandbox allow-scripts; frame-ancestors 'none'",
      'referrer-policy': 'no-referrer',
    });
  },
});
