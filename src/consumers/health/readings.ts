import { type EventBus, monotonic } from '../../events/index.ts';
import type { HealthOptions } from './criteria/finding.ts';
import { type BusReading, BusWatch } from './criteria/observability.ts';
import type { LagReading, MemoryReading } from './criteria/process.ts';
import { EventLoopLag } from './lag.ts';

/** Readings younger than this are answered again: they cost system calls, and change slowly. */
const FRESH_MS = 1000;

/** Reads how late the event loop is; a test has a source of its own. */
export interface LagSource {
  read(at: number, windowMs: number): LagReading;
  close(): void;
}

/** What is read of the process itself. */
export class ProcessReadings {
  readonly #lag: LagSource;
  readonly #memory: (() => MemoryReading) | undefined;
  readonly #bus: BusWatch;
  #last:
    | { readonly at: number; readonly memory: MemoryReading | undefined; readonly lag: LagReading }
    | undefined;

  constructor(bus: EventBus, memory: (() => MemoryReading) | undefined, lag?: LagSource) {
    this.#lag = lag ?? new EventLoopLag(monotonic());
    this.#memory = memory;
    this.#bus = new BusWatch(() => bus.consumers());
  }

  /** @param at - the clock of durations */
  read(
    at: number,
    criteria: HealthOptions['criteria'],
  ): { memory: MemoryReading | undefined; lag: LagReading; bus: BusReading } {
    if (this.#last === undefined || Math.abs(at - this.#last.at) >= FRESH_MS)
      this.#last = {
        at,
        memory: this.#readMemory(),
        lag: this.#readLag(at, criteria.event_loop_lag.windowMs),
      };
    return {
      memory: this.#last.memory,
      lag: this.#last.lag,
      bus: this.#bus.read(at, criteria.observability),
    };
  }

  close(): void {
    this.#lag.close();
  }

  #readLag(at: number, windowMs: number): LagReading {
    try {
      return this.#lag.read(at, windowMs);
    } catch {
      return { p99Ms: 0, samples: 0 };
    }
  }

  /** What cannot be read says nothing; it is no fault of the process. */
  #readMemory(): MemoryReading | undefined {
    try {
      return this.#memory?.();
    } catch {
      return undefined;
    }
  }
}
