import type { LossReason } from './destination.ts';

/** Where lines of text go. Nothing here throws or waits. */
export interface Sink {
  /** Writes that were refused. */
  readonly writeErrors: number;
  /** Lines lost, by reason. */
  readonly dropped: Readonly<Record<LossReason, number>>;
  /** The last write failed; lines wait. */
  readonly failing: boolean;
  /** @param urgent - it is not to wait for more that may come */
  write(text: string, urgent: boolean): void;
  close(): Promise<void>;
}
