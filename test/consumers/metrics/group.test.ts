import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Store } from '../../../src/consumers/metrics/group/store.ts';
import { complete, configured } from './fixtures.ts';
import { promtoolFaults, strictFamilies } from './oracles.ts';
import type { Parsed } from './parse.ts';

type Options = Parameters<typeof configured>[0];

/** A place where a group can have its folder, and members of it. */
const place = () => {
  const base = mkdtempSync(join(tmpdir(), 'snakepit-group-'));
  const members: ReturnType<typeof configured>[] = [];
  onTestFinished(async () => {
    for (const { metrics } of members) await metrics.close();
    rmSync(base, { recursive: true, force: true });
  });
  const folder = () => {
    const [name] = readdirSync(base);
    return name === undefined ? undefined : join(base, name);
  };
  return {
    base,
    folder,
    files: () => (folder() === undefined ? [] : readdirSync(folder() as string).sort()),
    member: (options: Options = {}, more = {}) => {
      const made = configured({ group: 'shop', ...options }, { environment: { TMPDIR: base }, ...more });
      members.push(made);
      return made;
    },
  };
};

const requests = (parsed: Parsed) => parsed.sum('snakepit_requests_total');
const failures = (parsed: Parsed) =>
  parsed.value('snakepit_metrics_collect_failures_total', { collector: 'group' });
const count = ({ bus }: ReturnType<typeof configured>, times: number) => {
  for (let i = 0; i < times; i++) complete(bus);
};

/** The file of a member as if it had been killed, beside the one of a member that has ended with the same counts. */
const killed = async (at: ReturnType<typeof place>, times: number): Promise<string> => {
  const others = at.files();
  const member = at.member();
  count(member, times);
  await member.metrics.close();
  const name = at.files().find((file) => file.endsWith('.member') && !others.includes(file)) as string;
  const dead = join(at.folder() as string, `4194304-0-0000000${times}.member`);
  copyFileSync(join(at.folder() as string, name), dead);
  return dead;
};

describe('a group', () => {
  it('is shown as a whole by each of its members', async () => {
    const at = place();
    const members = [at.member(), at.member(), at.member()];
    for (const [i, member] of members.entries()) count(member, i + 1);
    for (const { scrape, metrics } of members) {
      const parsed = await scrape();
      expect(requests(parsed)).toBe(6);
      expect(parsed.sum('snakepit_request_duration_seconds_count')).toBe(6);
      expect(parsed.value('snakepit_uptime_seconds')).toBe(90.5);
      expect(parsed.all('snakepit_build_info')).toMatchObject([{ value: 1 }]);
      expect(failures(parsed)).toBe(0);
      expect(promtoolFaults((await metrics.render()).text)).toBe('');
      strictFamilies((await metrics.render('application/openmetrics-text; version=1.0.0')).text);
    }
  });

  it('is one of those with the same name', async () => {
    const at = place();
    const [one, other] = [at.member(), at.member({ group: 'another' })];
    count(one, 1);
    expect(requests(await other.scrape())).toBe(0);
  });

  it('keeps what one counted that has ended', async () => {
    const at = place();
    const [staying, leaving] = [at.member(), at.member()];
    count(leaving, 5);
    await leaving.metrics.close();
    for (let i = 0; i < 3; i++) expect(requests(await staying.scrape())).toBe(5);
    expect(at.files().filter((name) => name.endsWith('.member'))).toHaveLength(1);
    expect(at.files().filter((name) => name.startsWith('totals.'))).toHaveLength(1);
    const next = at.member();
    count(next, 1);
    expect(requests(await staying.scrape())).toBe(6);
    expect(failures(await next.scrape())).toBe(0);
    // Its counts are there, its levels are not.
    const parsed = await staying.scrape();
    expect(parsed.value('snakepit_events_pending', { consumer: 'metrics' })).toBe(0);
  });

  it('shows its own after it was left, and takes everything away with the last', async () => {
    const at = place();
    const [one, other] = [at.member(), at.member()];
    count(one, 2);
    await one.metrics.close();
    expect(requests(await one.scrape())).toBe(2);
    await other.metrics.close();
    expect(at.files()).toEqual([]);
    expect(at.folder()).toBeUndefined();
    const anew = at.member();
    expect(requests(await anew.scrape())).toBe(0);
  });

  it('counts one that was killed once, whoever sees it first', async () => {
    const at = place();
    const members = [at.member(), at.member(), at.member()];
    await members[0]?.scrape();
    await killed(at, 7);
    await killed(at, 8);
    // Both the one that stands for the dead and the one it was copied from.
    const expected = 2 * (7 + 8);
    for (let i = 0; i < 5; i++) {
      const all = await Promise.all(members.map(({ scrape }) => scrape()));
      expect(all.map(requests)).toEqual([expected, expected, expected]);
    }
    expect(at.files().filter((name) => name.endsWith('.member'))).toHaveLength(3);
  });

  it('counts one once whose file was left behind when it was added', async () => {
    const at = place();
    const member = at.member();
    await member.scrape();
    const dead = await killed(at, 3);
    const bytes = readFileSync(dead);
    expect(requests(await member.scrape())).toBe(6);
    expect(existsSync(dead)).toBe(false);
    writeFileSync(dead, bytes);
    expect(requests(await member.scrape())).toBe(6);
    expect(requests(await member.scrape())).toBe(6);
    expect(existsSync(dead)).toBe(false);
  });

  it('has its totals made anew by one at a time', async () => {
    const store = new Store(place().base);
    const before = await store.totals();
    expect(await store.replace(before, [], ['1-0-a'])).toBe(true);
    // Made from the same, which lacks what the first has added.
    expect(await store.replace(before, [], ['2-0-b'])).toBe(false);
    const after = await store.totals();
    expect([after.number, ...after.folded.keys()]).toEqual([1, '1-0-a']);
    expect(await store.replace(after, [], ['2-0-b'])).toBe(true);
    await store.tidy();
    expect([...(await store.totals()).folded.keys()]).toEqual(['1-0-a', '2-0-b']);
  });

  it('shows the others, and what it said last, where one does not answer', async () => {
    const at = place();
    const member = at.member();
    await member.scrape();
    const silent = await killed(at, 4);
    const server = createServer(() => {});
    await new Promise<void>((resolve) => {
      server.listen(silent.replace('.member', '.sock'), resolve);
    });
    onTestFinished(() => void server.close());
    count(member, 1);
    expect(requests(await member.scrape())).toBe(9);
    const next = await member.scrape();
    expect(requests(next)).toBe(9);
    expect(failures(next)).toBeGreaterThan(0);
    expect(existsSync(silent)).toBe(true);
  });

  it('goes on where a file cannot be read', async () => {
    const at = place();
    const member = at.member();
    count(member, 1);
    await member.scrape();
    writeFileSync(join(at.folder() as string, '4194304-0-00000000.member'), 'nonsense');
    expect(requests(await member.scrape())).toBe(1);
    writeFileSync(join(at.folder() as string, 'totals.99'), 'nonsense');
    expect(requests(await member.scrape())).toBe(1);
    expect(failures(await member.scrape())).toBeGreaterThan(1);
  });

  it('begins anew where all have been killed', async () => {
    const at = place();
    const first = at.member();
    const dead = await killed(at, 3);
    await first.scrape();
    const folder = at.folder() as string;
    const totals = at.files().find((name) => name.startsWith('totals.')) as string;
    const files = [dead, join(folder, totals)].map(
      (path) => [path, existsSync(path) ? readFileSync(path) : ''] as const,
    );
    await first.metrics.close();
    mkdirSync(folder, { mode: 0o700 });
    for (const [path, bytes] of files) writeFileSync(path, bytes);
    const next = at.member();
    expect(requests(await next.scrape())).toBe(0);
    expect(at.files()).toHaveLength(2);
  });

  it('shows each summary with the quantiles of all', async () => {
    const at = place();
    const members = [at.member(), at.member()];
    for (const { metrics } of members)
      metrics.registerMetric({ type: 'summary', name: 'size', help: 'Size.' });
    for (let i = 1; i <= 100; i++) members[i % 2]?.metrics.observeSummary('size', {}, i);
    const parsed = await members[0]?.scrape();
    expect(parsed?.value('size', { quantile: '0.99' })).toBeCloseTo(99, -1);
    expect(parsed?.value('size_count')).toBe(100);
  });

  it('adds up gauges of the application, or not, as they were registered', async () => {
    const at = place();
    const members = [at.member(), at.member()];
    members.forEach(({ metrics }, i) => {
      metrics.registerMetric({ type: 'gauge', name: 'waiting', help: 'Waiting.' });
      metrics.registerMetric({ type: 'gauge', name: 'newest', help: 'Newest.', aggregate: 'max' });
      metrics.updateGauge('waiting', {}, i + 1);
      metrics.updateGauge('newest', {}, i + 1);
    });
    const parsed = await members[0]?.scrape();
    expect([parsed?.value('waiting'), parsed?.value('newest')]).toEqual([3, 2]);
    expect(() =>
      members[0]?.metrics.registerMetric({ type: 'counter', name: 'c', help: 'C.', aggregate: 'max' }),
    ).toThrow("is a counter with the aggregate 'max'");
  });

  it('counts the memory of one process once', async () => {
    const at = place();
    const members = [at.member({ defaultMetrics: true }), at.member({ defaultMetrics: true })];
    const alone = configured({ defaultMetrics: true });
    onTestFinished(() => alone.metrics.close());
    const [group, one] = [await members[0]?.scrape(), await alone.scrape()];
    const name = 'process_resident_memory_bytes';
    expect(group?.value(name)).toBeLessThan(1.5 * (one.value(name) as number));
    const heap = 'nodejs_heap_size_total_bytes';
    expect(group?.value(heap)).toBeGreaterThan(1.5 * (one.value(heap) as number));
  });

  it('refuses a folder that others may enter', () => {
    const at = place();
    at.member();
    chmodSync(at.folder() as string, 0o755);
    expect(() => at.member()).toThrow(/metrics\.group: .*is open to other users; `chmod 700/);
    chmodSync(at.folder() as string, 0o700);
    expect(() => at.member({}, { environment: { TMPDIR: `/tmp/${'x'.repeat(100)}` } })).toThrow(
      'is too long for sockets',
    );
  });

  it('has neither a folder nor a listener where it is not wanted', async () => {
    const at = place();
    const before = process.listenerCount('exit');
    const member = at.member({ group: undefined });
    await member.scrape();
    expect([at.files(), process.listenerCount('exit')]).toEqual([[], before]);
    const grouped = at.member();
    expect(process.listenerCount('exit')).toBe(before + 1);
    await grouped.metrics.close();
    expect(process.listenerCount('exit')).toBe(before);
  });
});
