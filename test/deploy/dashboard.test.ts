import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Panel, type RecordingRule, sources } from '../../scripts/lib/deploy/index.mjs';
import { Prometheus } from '../consumers/metrics/prometheus.ts';
import { newFolder, python, sharedPit, type TestPit, until } from '../support/pit.ts';
import { requireTool } from '../support/tools.ts';
import { alertsFile, rulesFile, textOf } from './files.ts';

const app = () => python`
  @command
  def quick():
      return sum(range(10_000))

  @command
  def slow():
      time.sleep(0.05)

  @command
  def fail():
      raise ValueError("wrong")

  @command
  def die(n: int):
      os._exit(1)

  @command
  def count(n: int):
      yield from range(n)
`;

const dashboard = JSON.parse(textOf('deploy/grafana/snakepit.json')) as { panels: Panel[] };
const panels = dashboard.panels.flatMap(({ title, targets = [] }) =>
  targets.map(({ refId, expr }) => [`${title} ${refId}`, expr] as const),
);
const recorded = sources().recording.flatMap(({ rules }) => rules);

/** What Grafana does with the variables, all of each chosen. */
const filled = (expr: string): string =>
  expr
    .replaceAll('$__rate_interval', '5s')
    .replaceAll('$job', 'snakepit')
    .replaceAll(/\$(instance|pool)/g, '.*');

/** Requests of all kinds until it is told to stop; resolves when none runs. */
const load = ({ pit }: TestPit) => {
  let over = false;
  // The same arguments again would be quarantined.
  let deaths = 0;
  const each = async (call: () => Promise<unknown>) => {
    while (!over) {
      // Most of these are to fail.
      await call().catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  const stream = async () => {
    for await (const _ of pit.stream('count', { n: 5 }));
  };
  const running = [
    () => pit.execute('quick'),
    () => pit.execute('slow'),
    () => pit.execute('fail'),
    () => pit.execute('nobody'),
    () => pit.execute('slow', {}, { timeoutMs: 10 }),
    stream,
    () => pit.execute('quick', {}, { pool: 'fragile' }),
    () => pit.execute('die', { n: ++deaths }, { pool: 'fragile' }),
  ].map(each);
  return async () => {
    over = true;
    await Promise.all(running);
  };
};

interface Answer {
  readonly status: string;
  readonly error?: string;
  readonly data: { readonly result: readonly { readonly value: readonly [number, string] }[] };
}

describe.skipIf(!requireTool('prometheus'))('on a real Prometheus, scraping a pit under load', () => {
  const test = sharedPit({
    pool: { app: app(), workers: 2, circuitBreaker: {}, statsIntervalMs: 200 },
    morePools: { fragile: { app: app(), restartDelayMs: 10 } },
    sanitize: { canary: true },
    ops: { port: 0 },
  });
  let prometheus: Prometheus;
  let stop: () => Promise<void>;

  const api = async <T>(path: string): Promise<T> =>
    (await (await fetch(`${prometheus.url}/api/v1/${path}`)).json()) as T;

  /** Values of a query; an expression Prometheus cannot read ends the test at once. */
  const valuesOf = async (expr: string): Promise<number[]> => {
    const { status, error, data } = await api<Answer>(`query?query=${encodeURIComponent(expr)}`);
    if (status !== 'success') throw new Error(`${expr}: ${error}`);
    return data.result.map(({ value }) => Number(value[1]));
  };
  const hasData = (expr: string) =>
    until(async () => (await valuesOf(expr)).some(Number.isFinite), `data of ${expr}`);

  beforeAll(async () => {
    stop = load(test);
    // The rules of long windows have an interval of minutes.
    const quickRules = join(newFolder(), 'rules.yml');
    writeFileSync(quickRules, readFileSync(rulesFile, 'utf8').replaceAll('interval: 2m', 'interval: 1s'));
    prometheus = await Prometheus.startWith(`
global: { scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s }
rule_files: ['${quickRules}', '${alertsFile}']
scrape_configs:
  - job_name: snakepit
    static_configs:
      - targets: ['${new URL(test.pit.opsUrl as string).host}']
`);
    await prometheus.value('up == 1');
  });

  afterAll(async () => {
    await stop?.();
    await prometheus?.stop();
  });

  it.each(panels)('the panel %s has data', async (_, expr) => {
    await hasData(filled(expr));
  });

  it.each(recorded.map((rule: RecordingRule) => [rule.record]))('%s is recorded', async (record) => {
    await hasData(record);
  });

  it('the variables have values', async () => {
    const values = async (label: string, of: string) =>
      (await api<{ data: string[] }>(`label/${label}/values?match[]=${of}`)).data;
    expect(await values('job', 'snakepit_build_info')).toEqual(['snakepit']);
    expect(await values('instance', 'snakepit_build_info')).toHaveLength(1);
    expect(await values('pool_name', 'snakepit_pool_workers_desired')).toEqual(['default', 'fragile']);
  });

  it('every rule is evaluated without a fault, and one that has to fire does', async () => {
    await hasData('ALERTS{alertname="SnakepitWorkersCrash", alertstate="firing", pool_name="fragile"}');
    interface Rules {
      readonly data: { readonly groups: { readonly rules: { name: string; health: string }[] }[] };
    }
    const { data } = await api<Rules>('rules');
    const rules = data.groups.flatMap((group) => group.rules);
    expect(rules.length).toBe(recorded.length + sources().alerts.length);
    expect(rules.filter(({ health }) => health !== 'ok')).toEqual([]);
    // What a healthy pool does not do.
    expect(
      await valuesOf(
        'ALERTS{alertname=~"SnakepitNotReady|SnakepitTargetDown|SnakepitSecretsLeak", alertstate="firing"}',
      ),
    ).toEqual([]);
  });
});
