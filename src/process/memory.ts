import { freemem, totalmem } from 'node:os';
import { type Cgroup, keyed, memoryCgroups } from './cgroup.ts';
import { readText } from './procfs.ts';

/** Memory that counts against a limit. */
export interface MemoryUse {
  /** Working set in bytes: what cannot be dropped at once. */
  readonly usedBytes: number;
  /** Beyond it the out-of-memory killer comes; null when not known. */
  readonly limitBytes: number | null;
  /** Whose numbers these are: a control group's, where one has a limit, else the machine's. */
  readonly source: 'cgroup2' | 'cgroup1' | 'host';
}

/** The same with a limit. */
type MemoryLevel = MemoryUse & { readonly limitBytes: number };

const files = {
  1: { limit: 'memory.limit_in_bytes', current: 'memory.usage_in_bytes', inactive: 'total_inactive_file' },
  2: { limit: 'memory.max', current: 'memory.current', inactive: 'inactive_file' },
} as const;

/**
 * How much memory is used, and how much there may be. Of this process's control group and those around it, the one nearest to its limit
 * is told; without any limit, the machine.
 *
 * `root` stands in for `/` in tests.
 */
export const readMemory = (root?: string): MemoryUse => {
  const host = hostMemory(root);
  const ceiling = host.limitBytes ?? Number.POSITIVE_INFINITY;
  const levels = memoryCgroups(root).flatMap((group) => levelsOf(group, ceiling, root));
  return levels.sort((a, b) => b.usedBytes / b.limitBytes - a.usedBytes / a.limitBytes)[0] ?? host;
};

const levelsOf = ({ version, folders }: Cgroup, ceiling: number, root?: string): MemoryLevel[] =>
  folders.flatMap((folder) => {
    const { limit, current, inactive } = files[version];
    const number = (file: string) => Number.parseInt(readText(`${folder}/${file}`, root) ?? '', 10);
    // `max` parses as NaN, and so does what is not there; "no limit" is a number beyond all memory in version 1.
    const limitBytes = number(limit);
    if (!(limitBytes > 0 && limitBytes < ceiling)) return [];
    const usage = number(current);
    if (Number.isNaN(usage)) return [];
    // Files read long ago count as usage but go at the first need. The kubelet leaves them out too when it decides whom to evict.
    const cache = keyed(readText(`${folder}/memory.stat`, root), inactive) ?? 0;
    return [{ usedBytes: Math.max(0, usage - cache), limitBytes, source: `cgroup${version}` }];
  });

const hostMemory = (root?: string): MemoryUse => {
  const text = readText('/proc/meminfo', root);
  const total = keyed(text, 'MemTotal');
  const available = keyed(text, 'MemAvailable');
  if (total !== undefined && available !== undefined)
    return { usedBytes: (total - available) * 1024, limitBytes: total * 1024, source: 'host' };
  // Elsewhere "free" leaves out all caches, and so comes near to nothing on a healthy machine: no limit to be measured by.
  return { usedBytes: totalmem() - freemem(), limitBytes: null, source: 'host' };
};
