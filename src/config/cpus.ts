import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

const quotaOf = (): number => {
  try {
    // cgroup v2: "max 100000" or "150000 100000", in microseconds (Linux Documentation/admin-guide/cgroup-v2.rst, cpu.max).
    const [quota, period] = readFileSync('/sys/fs/cgroup/cpu.max', 'utf8').trim().split(' ');
    return quota === 'max' ? Number.POSITIVE_INFINITY : Number(quota) / Number(period);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
};

/** CPUs this process may really use: what the scheduler offers, less where a cgroup quota allows less. At least 1. */
export const availableCpus = (): number => {
  const quota = quotaOf();
  return Math.max(
    1,
    Math.min(
      availableParallelism(),
      Number.isFinite(quota) && quota > 0 ? Math.ceil(quota) : Number.POSITIVE_INFINITY,
    ),
  );
};
