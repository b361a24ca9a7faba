import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { newFolder } from '../support/pit.ts';
import { requireTool } from '../support/tools.ts';
import { alertsFile, rulesFile, testFiles, textOf } from './files.ts';

const promtool = (...args: string[]) =>
  promisify(execFile)('promtool', args).then(
    ({ stdout }) => ({ ok: true, said: stdout }),
    ({ stdout, stderr, message }) => ({ ok: false, said: `${stdout}${stderr}` || String(message) }),
  );

describe.skipIf(!requireTool('promtool'))('promtool', () => {
  it('takes the rules', async () => {
    const { ok, said } = await promtool('check', 'rules', '--lint-fatal', rulesFile, alertsFile);
    expect(ok, said).toBe(true);
  });

  it.each(['scrape-config.yml', 'scrape-kubernetes.yml'])('takes %s', async (name) => {
    const config = parse(textOf(`deploy/prometheus/${name}`));
    // Debian's Prometheus knows no Kubernetes; everything else is checked.
    for (const job of config.scrape_configs) delete job.kubernetes_sd_configs;
    const path = join(newFolder(), name);
    writeFileSync(path, stringify(config));
    const { ok, said } = await promtool('check', 'config', '--syntax-only', path);
    expect(ok, said).toBe(true);
  });

  // For each alert at least one case in which it fires and one in which it does not.
  it.each(testFiles.map((file) => [basename(file), file]))('passes %s', async (_, file) => {
    const { ok, said } = await promtool('test', 'rules', file);
    expect(ok, said).toBe(true);
  });

  it('takes the rules with failures counted as unavailable, as the README tells', async () => {
    const [, command] = /sed -i '(s\/.+\/g)' snakepit-rules\.yml/.exec(textOf('deploy/README.md')) ?? [];
    const [, from, to] = (command as string).split('/') as [string, string, string];
    const before = textOf('deploy/prometheus/snakepit-rules.yml');
    const after = before.replaceAll(`"${from.slice(1, -1)}"`, to);
    expect(after).not.toBe(before);
    const path = join(newFolder(), 'snakepit-rules.yml');
    writeFileSync(path, after);
    const { ok, said } = await promtool('check', 'rules', path);
    expect(ok, said).toBe(true);
  });

  it('fails when a rule asks for something else', async () => {
    const folder = newFolder();
    mkdirSync(join(folder, 'tests'));
    writeFileSync(join(folder, 'snakepit-rules.yml'), textOf('deploy/prometheus/snakepit-rules.yml'));
    writeFileSync(
      join(folder, 'snakepit-alerts.yml'),
      textOf('deploy/prometheus/snakepit-alerts.yml').replace('snakepit_ready == 0', 'snakepit_ready == 1'),
    );
    const path = join(folder, 'tests/pools.test.yml');
    writeFileSync(path, textOf('deploy/prometheus/tests/pools.test.yml'));
    const { ok, said } = await promtool('test', 'rules', path);
    expect(ok).toBe(false);
    expect(said).toContain('SnakepitNotReady fires');
    expect(said).toContain('SnakepitNotReady is silent: it is ready');
  });
});
