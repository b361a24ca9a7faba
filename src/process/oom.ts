import { keyed, memoryCgroups } from './cgroup.ts';
import { readText } from './procfs.ts';

/** How often the kernel's out-of-memory killer has struck so far. */
export interface OomCounters {
  /** In the control group of this process, which its workers share; null where that is not counted. */
  readonly cgroup: { readonly file: string; readonly kills: number } | null;
  /** On the whole machine; null where that is not counted. */
  readonly machine: number | null;
}

/** Three small files; take it when a worker starts and when one has died. `root` stands in for `/` in tests. */
export const readOomCounters = (root?: string): OomCounters => ({
  cgroup: cgroupKills(root),
  machine: keyed(readText('/proc/vmstat', root), 'oom_kill') ?? null,
});

const cgroupKills = (root?: string): OomCounters['cgroup'] => {
  for (const { version, folders } of memoryCgroups(root)) {
    const file = version === 2 ? 'memory.events' : 'memory.oom_control';
    for (const folder of folders) {
      const kills = keyed(readText(`${folder}/${file}`, root), 'oom_kill');
      if (kills !== undefined) return { file, kills };
    }
  }
  return null;
};

/**
 * Says in words whether the out-of-memory killer struck between two readings; undefined when it did not, or nobody counted.
 *
 * A kill on the machine outside of our control group says nothing about our workers, so the machine's counter decides only where the
 * group has none.
 */
export const oomEvidence = (before: OomCounters, after: OomCounters): string | undefined => {
  if (before.cgroup !== null && after.cgroup !== null && before.cgroup.file === after.cgroup.file)
    return said(before.cgroup.kills, after.cgroup.kills, 'of this cgroup', after.cgroup.file);
  if (before.machine !== null && after.machine !== null)
    return said(before.machine, after.machine, 'of this machine', '/proc/vmstat');
  return undefined;
};

const said = (before: number, after: number, whose: string, file: string): string | undefined => {
  const count = after - before;
  if (count <= 0) return undefined;
  const processes = count === 1 ? 'process' : 'processes';
  return `the kernel's out-of-memory killer ended ${count} ${processes} ${whose} meanwhile (${file} oom_kill ${before} → ${after})`;
};
