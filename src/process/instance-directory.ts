import { readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { hasProc, readStat, readText } from './procfs.ts';

/** The file in a host's private directory that says whose it is. */
export const HOST_FILE = 'host.json';

/** What {@link HOST_FILE} holds. */
interface HostRecord {
  readonly pid: number;
  /** Start of the process in clock ticks since that of the machine; 0 where there is no `/proc`. */
  readonly starttime: number;
  /** ISO 8601. */
  readonly created: string;
  /** Within what the pid means anything: another container, or machine, has other processes of the same numbers. */
  readonly pid_namespace: string;
  readonly boot_id: string;
  readonly hostname: string;
}

/** Writes down in a private directory that this process is its host, so that {@link sweepLeftovers} can tell when it is left over. */
export const markDirectory = (directory: string): void => {
  const record: HostRecord = {
    pid: process.pid,
    starttime: readStat(process.pid)?.startTime ?? 0,
    created: new Date().toISOString(),
    ...whereabouts(),
  };
  writeFileSync(join(directory, HOST_FILE), JSON.stringify(record), { mode: 0o600, flag: 'wx' });
};

/** What is known of the host of a directory: `unmarked` when nobody has written it down (yet), `elsewhere` when it cannot be seen from here. */
export type HostState = 'alive' | 'dead' | 'elsewhere' | 'unmarked';

/** Whether the host of a private directory still runs. */
export const hostState = (directory: string): HostState => {
  const record = readRecord(directory);
  if (record === undefined) return 'unmarked';
  const here = whereabouts();
  // After a restart of the machine nothing of before runs.
  if (record.boot_id !== here.boot_id) return record.hostname === here.hostname ? 'dead' : 'elsewhere';
  if (record.pid_namespace !== here.pid_namespace) return 'elsewhere';
  if (!hasProc) return exists(record.pid) ? 'alive' : 'dead';
  const stat = readStat(record.pid);
  return stat !== undefined && stat.startTime === record.starttime && stat.state !== 'Z' ? 'alive' : 'dead';
};

const readRecord = (directory: string): HostRecord | undefined => {
  try {
    const record = JSON.parse(readFileSync(join(directory, HOST_FILE), 'utf8')) as HostRecord;
    return Number.isSafeInteger(record.pid) && record.pid > 0 ? record : undefined;
  } catch {
    return undefined;
  }
};

const whereabouts = () => ({
  pid_namespace: pidNamespace(),
  boot_id: readText('/proc/sys/kernel/random/boot_id')?.trim() ?? '',
  hostname: hostname(),
});

const pidNamespace = (): string => {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
};

const exists = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
};
