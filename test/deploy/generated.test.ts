import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  type Alert,
  allAlerts,
  deployFiles,
  faultsOf,
  knownMetrics,
  type Panel,
  type Sources,
  sources,
} from '../../scripts/lib/deploy/index.mjs';
import { metricCatalog } from '../../src/consumers/metrics/index.ts';
import { deployFolder, textOf } from './files.ts';

// The catalogue in src, not that of a build, which may be older.
const whole: Sources = { ...sources(), metrics: knownMetrics(metricCatalog) };
const [first] = whole.alerts as [Alert];
const withAlert = (change: Partial<Alert>) => faultsOf({ ...whole, alerts: [{ ...first, ...change }] });
const withQuery = (expr: string, legendFormat = '') => {
  const panel = { title: 'P', targets: [{ refId: 'A', expr, legendFormat }] } as unknown as Panel;
  return faultsOf({ ...whole, dashboard: { ...whole.dashboard, panels: [panel] } });
};

describe('deploy/', () => {
  it('is up to date', () => {
    for (const [file, text] of Object.entries(deployFiles())) {
      expect(textOf(`deploy/${file}`), `deploy/${file}: run npm run deploy`).toBe(text);
    }
    const there = readdirSync(deployFolder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(deployFolder.length + 1));
    expect(there.sort()).toEqual([...Object.keys(deployFiles()), 'README.md'].sort());
  });

  it('names only metrics and labels that the catalogue has', () => {
    expect(faultsOf(whole)).toEqual([]);
  });

  it('leaves out alerts only for metrics that are still to come', () => {
    const toCome = [
      'snakepit_memory_used_bytes',
      'snakepit_memory_limit_bytes',
      'snakepit_log_records_dropped_total',
      'snakepit_log_write_errors_total',
      'snakepit_sessions_active',
      'snakepit_sessions_capacity',
    ];
    for (const { name, needs = [] } of allAlerts) {
      for (const metric of needs) expect([...toCome, ...Object.keys(metricCatalog)], name).toContain(metric);
      const there = whole.alerts.some((alert) => alert.name === name);
      expect(there, name).toBe(needs.every((metric) => metric in metricCatalog));
    }
  });

  it.each(Object.keys(metricCatalog))('would miss %s if a rule or panel names it', (name) => {
    const all = whole.recording.flatMap(({ rules }) => rules.map(({ expr }) => expr));
    const panels = whole.dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
    const text = [...all, ...whole.alerts.map(({ expr }) => expr), ...panels].join('\n');
    const used = new RegExp(`\\b${name}(_bucket|_sum|_count)?\\b`).test(text);
    const { [name as 'snakepit_ready']: _, ...rest } = metricCatalog;
    const faults = faultsOf({ ...whole, metrics: knownMetrics(rest) }).join('\n');
    expect(faults.includes(`'${name}`)).toBe(used);
  });

  it.each([
    ['snakepit_reddy == 0', "There is no metric 'snakepit_reddy'"],
    ['snakepit_ready{pool_name="a"} == 0', "names the label 'pool_name'"],
    ['sum by (command) (snakepit_pool_slots) > 0', "names the label 'command'"],
    ['rate(snakepit_pool_slots[5m]) > 0', 'rate() of the gauge'],
    ['deriv(snakepit_errors_total[5m]) > 0', 'deriv() of the counter'],
    ['snakepit_pool_slots / snakepit_ready > 0', 'never matches'],
    ['snakepit_pool_slots and on (command) snakepit_ready', "names the label 'command'"],
    ['histogram_quantile(0.9, rate(snakepit_errors_total[5m]))', "names the label 'le'"],
    ['max_over_time(rate(snakepit_errors_total[5m])[1h:1m])', 'Expected'],
    ['job_pool:snakepit_requests_unavailable:ratio_rate4h > 0', 'There is no metric'],
  ])('refuses the alert %s', (expr, why) => {
    expect(withAlert({ expr }).join('\n')).toContain(why);
    expect(withQuery(expr).join('\n')).toContain(why);
  });

  it('refuses texts, cases and names that do not fit', () => {
    expect(withAlert({ summary: '{{ $labels.command }}' })[0]).toContain("names the label 'command'");
    expect(withAlert({ fires: [{ series: { 'snakepit_ready{job="a"}': '1' }, at: '1m' }] })[0]).toContain(
      'It lacks instance',
    );
    expect(withAlert({ fires: [] })).toEqual([`${first.name}: it has no case in which it fires.`]);
    expect(withAlert({ silent: [] })).toEqual([`${first.name}: it has no case in which it is silent.`]);
    expect(withQuery('snakepit_ready', '{{pool_name}}')[0]).toContain("The legend '{{pool_name}}'");
    const rules = [{ record: 'job_pool:snakepit_ready:sum', expr: 'sum by (job) (snakepit_ready)' }];
    expect(faultsOf({ ...whole, recording: [{ name: 'wrong', rules }] })).toContain(
      'job_pool:snakepit_ready:sum: job_pool:snakepit_ready:sum has the labels (job).',
    );
  });
});

describe('the dashboard', () => {
  const { panels, templating, uid, schemaVersion } = JSON.parse(textOf('deploy/grafana/snakepit.json'));

  it('has an identity, its variables and its rows', () => {
    expect({ uid, schemaVersion }).toEqual({ uid: 'snakepit', schemaVersion: 42 });
    expect(templating.list.map(({ name }: { name: string }) => name)).toEqual([
      'datasource',
      'job',
      'instance',
      'pool',
    ]);
    const rows = panels.filter(({ type }: Panel) => type === 'row').map(({ title }: Panel) => title);
    expect(rows).toEqual(['Overview', 'Requests', 'Pools', 'Workers', 'Observability', 'Node']);
  });

  it('has panels with ids of their own that fit and do not cover each other', () => {
    expect(new Set(panels.map(({ id }: Panel) => id)).size).toBe(panels.length);
    const taken = new Map<string, string>();
    for (const { title, gridPos } of panels as Panel[]) {
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(taken.get(`${x} ${y}`), title).toBeUndefined();
          taken.set(`${x} ${y}`, title);
        }
      }
    }
  });
});
