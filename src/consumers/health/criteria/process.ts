import { percent, plural, seconds } from '../verdict.ts';
import { type Criterion, type Finding, thresholdWords } from './finding.ts';

/** Memory that counts against a limit. */
export interface MemoryReading {
  readonly usedBytes: number;
  /** Null where it is not known. */
  readonly limitBytes: number | null;
  /** Whose numbers these are: a control group's, or the whole machine's. */
  readonly source: 'cgroup2' | 'cgroup1' | 'host';
}

/** How late timers fire. */
export interface LagReading {
  readonly p99Ms: number;
  readonly samples: number;
}

const mib = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`;

/** Use of the memory limit. The machine's memory is not ours to judge: others use it too, and rightly. */
export const memoryUse = (reading: MemoryReading | undefined, criterion: Criterion): Finding => {
  if (reading === undefined || reading.limitBytes === null || reading.source === 'host')
    return { value: null, words: () => ({ message: 'No memory limit is set' }) };
  const { usedBytes, limitBytes } = reading;
  const share = usedBytes / limitBytes;
  const figures = `${mib(usedBytes)} of ${mib(limitBytes)} used (${percent(share)})`;
  return {
    value: share,
    words: (status) =>
      status === 'ok'
        ? { message: figures }
        : {
            message: `${figures}, ${thresholdWords(status, share, criterion)}`,
            why: 'the memory limit of the control group is near; past it the kernel kills a process, or the container',
            remedy:
              'Raise the limit, run fewer workers, or replace workers before they grow: pools.<name>.recycle.aboveRssBytes.',
          },
  };
};

const lateness = (ms: number): string => `${Math.round(ms)} ms`;

/** Lag of the event loop. */
export const eventLoopLag = ({ p99Ms, samples }: LagReading, criterion: Criterion): Finding => {
  if (samples < criterion.minVolume) {
    const message = `Event loop not judged: ${plural(samples, 'sample')}, ${criterion.minVolume} needed`;
    return { value: null, words: () => ({ message }) };
  }
  const figures = `Event loop ${lateness(p99Ms)} late (p99)`;
  return {
    value: p99Ms,
    words: (status) =>
      status === 'ok'
        ? { message: figures }
        : {
            message: `${figures}, ${thresholdWords(status, p99Ms, criterion, lateness)}`,
            why: `in the last ${seconds(criterion.windowMs)} one timer in a hundred fired ${lateness(p99Ms)} late or more: JavaScript of this process ran that long without a pause, or it got no CPU`,
            remedy:
              'Find the long computation with --cpu-prof and move it to a worker; where the CPU is short, give the process more.',
          },
  };
};
