import { mkdtempSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { oomEvidence, readMemory, readOomCounters } from '../../src/process/index.ts';
import { file, scratch } from './python-fixtures.ts';

const folder = scratch();

/** A folder that stands in for `/`, with these files. */
const rootOf = (files: Record<string, string | number>): string => {
  const root = mkdtempSync(`${folder}/root-`);
  for (const [path, text] of Object.entries(files)) file(`${root}/${path}`, `${text}\n`);
  return root;
};

const GB = 1024 ** 3;
const meminfo = { 'proc/meminfo': 'MemTotal:       16777216 kB\nMemFree: 1 kB\nMemAvailable:    4194304 kB' };
const pod = 'sys/fs/cgroup/kubepods/pod1';

describe('readOomCounters', () => {
  it("reads those of the process's own control group, version 2", () => {
    const root = rootOf({
      'proc/self/cgroup': '0::/kubepods/pod1/app',
      [`${pod}/app/memory.events`]: 'low 0\noom 9\noom_kill 3\noom_group_kill 7',
      [`${pod}/memory.events`]: 'oom_kill 11',
      'proc/vmstat': 'pgfault 5\noom_kill 20',
    });
    expect(readOomCounters(root)).toEqual({ cgroup: { file: 'memory.events', kills: 3 }, machine: 20 });
  });

  it('goes up to where the file is: a container sees its own part at the mount', () => {
    const root = rootOf({
      'proc/self/cgroup': '0::/../../elsewhere/deep',
      'sys/fs/cgroup/memory.events': 'oom_kill 2',
    });
    expect(readOomCounters(root)).toEqual({ cgroup: { file: 'memory.events', kills: 2 }, machine: null });
  });

  it('reads version 1, also beside an empty version 2', () => {
    const root = rootOf({
      'proc/self/cgroup': '5:cpu,cpuacct:/x\n4:memory:/docker/abc\n0::/',
      'sys/fs/cgroup/memory/docker/abc/memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 4',
    });
    expect(readOomCounters(root).cgroup).toEqual({ file: 'memory.oom_control', kills: 4 });
  });

  it('is empty where nobody counts, and reads what this machine has', () => {
    expect(readOomCounters(rootOf({}))).toEqual({ cgroup: null, machine: null });
    expect(oomEvidence(readOomCounters(), readOomCounters())).toBeUndefined();
  });
});

describe('oomEvidence', () => {
  const group = (kills: number, machine: number | null = null) => ({
    cgroup: { file: 'memory.events', kills },
    machine,
  });
  const machine = (kills: number | null) => ({ cgroup: null, machine: kills });

  it('says what the control group has counted', () => {
    expect(oomEvidence(group(3), group(4))).toBe(
      "the kernel's out-of-memory killer ended 1 process of this cgroup meanwhile (memory.events oom_kill 3 → 4)",
    );
    expect(oomEvidence(group(3), group(5))).toContain('ended 2 processes of this cgroup');
  });

  it('is none of what happened elsewhere on the machine', () => {
    expect(oomEvidence(group(3, 7), group(3, 8))).toBeUndefined();
  });

  it('takes the machine where the group does not count', () => {
    expect(oomEvidence(machine(7), machine(8))).toContain(
      'of this machine meanwhile (/proc/vmstat oom_kill 7',
    );
    expect(oomEvidence(machine(7), machine(7))).toBeUndefined();
    expect(oomEvidence(machine(null), machine(1))).toBeUndefined();
  });
});

describe('readMemory', () => {
  it('is the working set against the limit: what was read from files long ago does not count', () => {
    const root = rootOf({
      ...meminfo,
      'proc/self/cgroup': '0::/kubepods/pod1/app',
      [`${pod}/app/memory.max`]: 2 * GB,
      [`${pod}/app/memory.current`]: 1.5 * GB,
      [`${pod}/app/memory.stat`]: `anon ${GB}\ninactive_anon 7\ninactive_file ${GB / 2}`,
    });
    expect(readMemory(root)).toEqual({ usedBytes: GB, limitBytes: 2 * GB, source: 'cgroup2' });
  });

  it('is that of the group around which is nearest to its limit', () => {
    const root = rootOf({
      ...meminfo,
      'proc/self/cgroup': '0::/kubepods/pod1/app',
      [`${pod}/app/memory.max`]: 'max',
      [`${pod}/app/memory.current`]: GB,
      [`${pod}/memory.max`]: 4 * GB,
      [`${pod}/memory.current`]: 3 * GB,
      'sys/fs/cgroup/kubepods/memory.max': 8 * GB,
      'sys/fs/cgroup/kubepods/memory.current': 4 * GB,
    });
    expect(readMemory(root)).toEqual({ usedBytes: 3 * GB, limitBytes: 4 * GB, source: 'cgroup2' });
  });

  it('reads version 1, where no limit is a number beyond all memory', () => {
    const files = {
      ...meminfo,
      'proc/self/cgroup': '4:memory:/docker/abc\n0::/',
      'sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712',
      'sys/fs/cgroup/memory/memory.usage_in_bytes': 9 * GB,
    };
    expect(readMemory(rootOf(files))).toEqual({
      usedBytes: 12 * GB,
      limitBytes: 16 * GB,
      source: 'host',
    });
    const limited = rootOf({
      ...files,
      'sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes': GB,
      'sys/fs/cgroup/memory/docker/abc/memory.usage_in_bytes': GB / 2,
      'sys/fs/cgroup/memory/docker/abc/memory.stat': `inactive_file 1\ntotal_inactive_file ${GB / 4}`,
    });
    expect(readMemory(limited)).toEqual({ usedBytes: GB / 4, limitBytes: GB, source: 'cgroup1' });
  });

  it('has no limit where nothing tells one', () => {
    const { usedBytes, limitBytes, source } = readMemory(rootOf({}));
    expect({ limitBytes, source }).toEqual({ limitBytes: null, source: 'host' });
    expect(usedBytes).toBeGreaterThan(0);
  });

  it('reads what this machine has', () => {
    const { usedBytes, limitBytes } = readMemory();
    expect(usedBytes).toBeGreaterThan(0);
    if (limitBytes !== null) expect(limitBytes).toBeGreaterThan(1024 ** 2);
  });
});
