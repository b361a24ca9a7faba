import { join } from 'node:path';
import { readText } from './procfs.ts';

/** A control group (cgroups(7)) this process is in, as folders. */
export interface Cgroup {
  readonly version: 1 | 2;
  /** Where the hierarchy begins. */
  readonly mount: string;
  /** From the group of the process up to the mount, innermost first. Some of them may not exist: a container sees only its own part. */
  readonly folders: readonly string[];
}

/** Where version 2 is mounted, alone or beside version 1. */
const unifiedMounts = ['/sys/fs/cgroup', '/sys/fs/cgroup/unified'];
const memoryMount = '/sys/fs/cgroup/memory';

/** The groups of this process that can account for memory: version 2 first, then version 1. Empty where there are none. */
export const memoryCgroups = (root?: string): Cgroup[] => {
  const found: Cgroup[] = [];
  // Lines are `number:controllers:path`; that of version 2 is `0::path`.
  for (const line of (readText('/proc/self/cgroup', root) ?? '').split('\n')) {
    const [, number, controllers = '', path = ''] = /^(\d+):([^:]*):(.*)$/.exec(line) ?? [];
    if (number === '0' && controllers === '')
      for (const mount of unifiedMounts) found.unshift({ version: 2, mount, folders: upwards(mount, path) });
    else if (controllers.split(',').includes('memory'))
      found.push({ version: 1, mount: memoryMount, folders: upwards(memoryMount, path) });
  }
  return found;
};

const upwards = (mount: string, path: string): string[] => {
  // Seen from within a namespace, a group outside of it begins with `/..`; joined to `/` that is dropped.
  const parts = join('/', path).split('/').filter(Boolean);
  return Array.from({ length: parts.length + 1 }, (_, i) =>
    [mount, ...parts.slice(0, parts.length - i)].join('/'),
  );
};

/** A number from a file of lines `key value`; undefined where it is not there. */
export const keyed = (text: string | undefined, key: string): number | undefined => {
  const value = new RegExp(`^${key}:?\\s+(\\d+)`, 'm').exec(text ?? '')?.[1];
  return value === undefined ? undefined : Number(value);
};
