import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { allAlerts, anchorOf, sources } from '../../scripts/lib/deploy/index.mjs';
import { main } from '../../src/cli/main.ts';
import { python, startPit } from '../support/pit.ts';
import { textOf } from './files.ts';

interface Rule {
  readonly alert: string;
  readonly labels: Record<string, string>;
  readonly annotations: Record<string, string>;
}
const { groups } = parse(textOf('deploy/prometheus/snakepit-alerts.yml')) as { groups: { rules: Rule[] }[] };
const rules = groups.flatMap((group) => group.rules);

const runbook = textOf('docs/runbook.md');
const sections = new Map(
  runbook
    .split(/^## /m)
    .slice(1)
    .map((text) => [(text.split('\n', 1)[0] as string).toLowerCase(), text] as const),
);
const code = [...runbook.matchAll(/`([^`]+)`/g)].map(([, text]) => text as string);

describe('the runbook', () => {
  it('has a section that names the alert, where each alert points to', () => {
    expect(rules.map(({ alert }) => alert)).toEqual(sources().alerts.map(({ name }) => name));
    for (const { alert, labels, annotations } of rules) {
      expect(labels.severity, alert).toMatch(/^(page|ticket)$/);
      expect(annotations.summary, alert).toBeTruthy();
      expect(annotations.description, alert).toBeTruthy();
      const [file, anchor] = (annotations.runbook as string).split('#') as [string, string];
      expect(file).toBe('docs/runbook.md');
      expect(sections.get(anchor), `a section for ${alert}`).toContain(alert);
    }
  });

  it('has all that a section is for, and no section of an alert that is no more', () => {
    const anchors = new Set(allAlerts.map(anchorOf));
    for (const [anchor, text] of sections) {
      expect(anchors, `the section ${anchor}`).toContain(anchor);
      for (const part of ['**Meaning.**', '**Look at.**', '**Mend.**']) expect(text, anchor).toContain(part);
    }
    for (const [, anchor] of runbook.matchAll(/\]\(#([^)]+)\)/g))
      expect(sections.has(anchor as string)).toBe(true);
  });

  it.each([...new Set(code.filter((text) => text.startsWith('snakepit ')))])(
    'the command `%s` exists',
    async (text) => {
      const words = text.split(' ').slice(1);
      const names = words[1] === 'set' || words[1] === 'diff' ? words.slice(0, 2) : words.slice(0, 1);
      let said = '';
      const out = (more: string) => {
        said += more;
      };
      const terminal = { out, err: out } as unknown as NonNullable<Parameters<typeof main>[1]>;
      expect(await main(['node', 'snakepit', ...names, '--help'], terminal), said).toBe(0);
      // An unknown command would get the help of all.
      expect(said).toContain(`Usage: snakepit ${names.join(' ')} `);
      for (const option of words.filter((word) => word.startsWith('--'))) expect(said).toContain(option);
    },
  );

  it('names paths that the ops server serves', async () => {
    const app = python`
      @command
      def hello():
          return "hello"
    `;
    const { pit } = await startPit({ pool: { app }, ops: { port: 0 } });
    const answer = await fetch(`${pit.opsUrl}/nothing`);
    const { endpoints } = (await answer.json()) as { endpoints: string[] };
    const paths = code.filter((text) => /^\/(health|api|metrics)/.test(text));
    expect(paths.length).toBeGreaterThan(10);
    // Changing ones are not listed, since nobody may read them.
    for (const path of new Set(paths)) expect([...endpoints, '/api/workers/{id}/stack']).toContain(path);
  });
});
