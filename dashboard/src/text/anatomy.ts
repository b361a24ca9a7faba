import type { Anatomy } from './types.ts';

/** A part of a request's time. `kind` names its colour and pattern. */
export interface Part {
  readonly kind: 'queue' | 'serialise' | 'transport' | 'python_cpu' | 'python_wait' | 'rest';
  readonly label: string;
  readonly ms: number;
  /** 0 to 1, of the whole. */
  readonly share: number;
}

const labels: Readonly<Record<Part['kind'], string>> = {
  queue: 'Queue',
  serialise: 'Arguments',
  transport: 'Transport and waiting',
  python_cpu: 'Python, on the CPU',
  python_wait: 'Python, waiting',
  rest: 'Not told apart',
};

/** Rounding alone must not make a part. */
const LEAST_MS = 0.05;

/**
 * Where the time of a request went, in the order in which it passes. The parts add up to the whole; what nobody
 * measured is a part of its own.
 */
export const partsOf = (anatomy: Anatomy): readonly Part[] => {
  const { queue_ms, serialise_ms = 0, transport_ms = 0, python_ms = 0, python_cpu_ms = 0 } = anatomy;
  // A clock of the CPU is coarser than that of the wall, and other threads count to it.
  const cpu = Math.min(python_cpu_ms, python_ms);
  const known = queue_ms + serialise_ms + transport_ms + python_ms;
  const total = Math.max(anatomy.total_ms, known);
  const all: readonly (readonly [Part['kind'], number])[] = [
    ['queue', queue_ms],
    ['serialise', serialise_ms],
    ['transport', transport_ms],
    ['python_cpu', cpu],
    ['python_wait', python_ms - cpu],
    ['rest', total - known],
  ];
  return all.flatMap(([kind, ms]) =>
    ms < LEAST_MS ? [] : [{ kind, label: labels[kind], ms, share: total === 0 ? 0 : ms / total }],
  );
};

/** The share of the handler's time it spent on the CPU; undefined where it is not known. */
export const cpuShare = ({ python_ms, python_cpu_ms }: Anatomy): number | undefined =>
  python_ms === undefined || python_cpu_ms === undefined || python_ms === 0
    ? undefined
    : Math.min(1, python_cpu_ms / python_ms);
