import type { LossReason } from './destination.ts';

/** Where lines of text go. Nothing here throws or waits. */
export interface Sink {
  /** Writes that were refused. */
  readonly writeErrors: number;
  /** Lines lost, by reason. */
  readonly dropped: Readonly<Record<LossReason, number>>;
  /** The last write failed; lines wait. */
  readonly failing: boolean;
  write(text: string): void;
  close(): Promise<void>;
}
