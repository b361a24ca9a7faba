// Above 300 lines: one descriptor with every way in which it can fail, and the order of lines through all of them.
import { closeSync, write, writeSync } from 'node:fs';
import { Backlog, type Batch, EMPTY, linesOf } from './backlog.ts';
import { flushAtExit } from './exit.ts';
import type { Target } from './open.ts';
import { fileSize, pause } from './system.ts';

/** Told when lines could not be written: they wait for another try, or are lost. They come as they were given. */
export type OnTrouble = (error: NodeJS.ErrnoException, lines: readonly string[]) => void;

/** Why lines are lost: more wait than there is room for, the destination is gone for good, or the log was closed. */
export type LossReason = 'overflow' | 'unwritable' | 'closed';

/** Bytes that may wait while the destination cannot take them. */
const MAX_WAITING = 8 * 2 ** 20;
/**
 * How long a line may wait for others to be written with it: a call of the system costs more than a line. Milliseconds.
 */
const GATHER_MS = 5;
/** What waits is written at once from so many bytes on. */
const GATHER_BYTES = 32 * 1024;
const BUSY_RETRY_MS = 50;
const FAILED_RETRY_MS = 1000;
/** How long `close` waits for a destination that does not take its lines. */
const CLOSE_MS = 2000;
/** How often the flush at exit tries a destination that is busy, and how long it waits in between. */
const EXIT_TRIES = 50;
const EXIT_PAUSE_MS = 10;

/** How long it waits for a write that is under way, and how often it looks. */
const EXIT_WRITE_MS = 500;
const EXIT_LOOK_MS = 1;

const asItIs = (text: string): string => text;

const isBusy = (error: NodeJS.ErrnoException): boolean => error.code === 'EAGAIN' || error.code === 'EBUSY';
/** The other side is gone for good. */
const isFinal = (error: NodeJS.ErrnoException): boolean => error.code === 'EPIPE' || error.code === 'EBADF';

/**
 * Writes lines to a descriptor in the background, in order, in batches. Bounded: what exceeds 8 MiB of waiting text is dropped and
 * counted. Never throws.
 *
 * `pino.destination` is not used: at exit it tries a write that fails for ever, so a full disk would keep the process from ending.
 */
export class Destination {
  /** Writes the system refused. */
  writeErrors = 0;
  /** Lines lost, by reason. */
  readonly dropped: Record<LossReason, number> = { overflow: 0, unwritable: 0, closed: 0 };
  /** The last write failed; lines wait. */
  failing = false;
  #target: Target;
  /** Opened by {@link Destination.reopen}, and used once the batch under way is written. */
  #next: Target | undefined;
  readonly #onTrouble: OnTrouble;
  readonly #endFlushAtExit: () => void;
  readonly #render: (text: string) => string;
  readonly #waiting = new Backlog();
  /** What is being written, as it was given. */
  #batch: Batch = EMPTY;
  #bytes: Buffer = EMPTY.bytes;
  #writing = false;
  /** What the file will have when the write under way is done; undefined for what is no file. */
  #sizeAfter: number | undefined;
  #retry: NodeJS.Timeout | undefined;
  /** Set while lines wait for others. */
  #gathering: NodeJS.Timeout | undefined;
  #dead = false;
  #exiting = false;
  #closing: Promise<void> | undefined;
  #onIdle: (() => void) | undefined;

  /** @param render - makes of a line what is written. It is called when its turn comes, so what is dropped is not rendered */
  constructor(target: Target, onTrouble: OnTrouble, render: (text: string) => string = asItIs) {
    this.#target = target;
    this.#onTrouble = onTrouble;
    this.#render = render;
    this.#endFlushAtExit = flushAtExit(this);
  }

  /**
   * Takes a line, which ends in a newline and has none before.
   *
   * @param urgent - it is written at once, and with it what waits. Default true
   */
  write(text: string, urgent = true): void {
    if (this.#dead || this.#closing !== undefined) {
      this.dropped[this.failing ? 'unwritable' : 'closed']++;
      return;
    }
    if (this.#waiting.size + text.length > MAX_WAITING) {
      this.dropped.overflow++;
      return;
    }
    this.#waiting.add(text);
    if (this.#exiting) {
      this.flushSync();
      return;
    }
    // While it fails, trying is left to the timer: a system call per line would be the most expensive way to lose it.
    if (this.#retry !== undefined) return;
    if (urgent || this.#waiting.size >= GATHER_BYTES) this.#pump();
    else this.#gather();
  }

  /**
   * Goes on to another descriptor, that of a file opened anew as a rule; the one before is closed. A batch that is under way is finished
   * where it was begun, so no line is torn or lost.
   */
  reopen(target: Target): void {
    if (this.#closing !== undefined || this.#exiting) {
      if (target.owned) closeSync(target.fd);
      return;
    }
    if (this.#next?.owned) closeSync(this.#next.fd);
    this.#next = target;
    this.#dead = false;
    if (this.#writing) return;
    // What could not be written before may go through now.
    if (this.failing || this.#batch === EMPTY) this.#switch();
    this.#attempt();
  }

  /** Writes what waits and closes the file. Waits at most two seconds; what could not be written by then is dropped and counted. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /**
   * For the end of the process: what the system already has in hand is written by it, the rest here, and so is every line that
   * still comes, from listeners of the exit that run after this.
   */
  flushSync(): void {
    this.#exiting = true;
    clearTimeout(this.#retry);
    clearTimeout(this.#gathering);
    if (this.#dead) return;
    try {
      if (this.#writing) this.#awaitWrite();
      else this.#writeSync(this.#bytes);
      while (this.#takeBatch()) this.#writeSync(this.#bytes);
    } catch (error) {
      this.writeErrors++;
      this.#lose(error as NodeJS.ErrnoException);
    }
  }

  async #close(): Promise<void> {
    this.#attempt();
    if (!this.#isIdle()) {
      await new Promise<void>((resolve) => {
        const deadline = setTimeout(resolve, CLOSE_MS);
        this.#onIdle = () => {
          clearTimeout(deadline);
          resolve();
        };
      });
    }
    clearTimeout(this.#retry);
    this.#endFlushAtExit();
    this.#dead = true;
    const reason = this.failing ? 'unwritable' : 'closed';
    this.dropped[reason] += this.#batch.lines + this.#waiting.lines;
    this.#waiting.clear();
    if (this.#next?.owned) closeSync(this.#next.fd);
    // A write that is still stuck in the system uses the descriptor; closing it would let the next file take its number.
    if (this.#target.owned && !this.#writing) closeSync(this.#target.fd);
  }

  #isIdle(): boolean {
    return this.#dead || (!this.#writing && this.#batch === EMPTY && this.#waiting.lines === 0);
  }

  /** Makes a batch of what waits, unless one is under way. False when there is nothing to write. */
  #takeBatch(): boolean {
    this.#batch = this.#waiting.take();
    this.#bytes = this.#render === asItIs ? this.#batch.bytes : this.#rendered(this.#batch);
    return this.#batch !== EMPTY;
  }

  #rendered({ bytes }: Batch): Buffer {
    return Buffer.from(linesOf(bytes.toString()).map(this.#render).join(''));
  }

  /** The batch is written, or given up. */
  #endBatch(): void {
    this.#waiting.giveBack(this.#batch);
    this.#batch = EMPTY;
    this.#bytes = EMPTY.bytes;
  }

  #switch(): void {
    if (this.#next === undefined) return;
    const { fd, owned } = this.#target;
    this.#target = this.#next;
    this.#next = undefined;
    this.failing = false;
    if (owned) closeSync(fd);
  }

  /** Lines alone do not keep the process alive here either: the flush at exit writes them. */
  #gather(): void {
    if (this.#writing) return;
    this.#gathering ??= setTimeout(() => this.#pump(), GATHER_MS).unref();
  }

  #pump(): void {
    clearTimeout(this.#gathering);
    this.#gathering = undefined;
    if (this.#writing || this.#dead) return;
    if (this.#batch === EMPTY || this.failing) this.#switch();
    if (this.#batch === EMPTY && !this.#takeBatch()) {
      this.#onIdle?.();
      return;
    }
    this.#writing = true;
    const size = fileSize(this.#target.fd);
    this.#sizeAfter = size === undefined ? undefined : size + this.#bytes.length;
    write(this.#target.fd, this.#bytes, (error, written) => {
      this.#writing = false;
      if (error !== null) this.#failed(error);
      else this.#advance(written);
    });
  }

  #advance(written: number): void {
    this.failing = false;
    this.#bytes = this.#bytes.subarray(written);
    if (this.#bytes.length === 0) this.#endBatch();
    this.#pump();
  }

  #failed(error: NodeJS.ErrnoException): void {
    if (isBusy(error)) {
      this.#retryIn(BUSY_RETRY_MS);
      return;
    }
    this.writeErrors++;
    if (this.#next !== undefined) {
      // Another destination is at hand, which may take it.
      this.#switch();
      this.#pump();
      return;
    }
    if (isFinal(error) || this.#closing !== undefined) {
      this.#lose(error);
      return;
    }
    const known = this.failing;
    this.failing = true;
    this.#retryIn(FAILED_RETRY_MS);
    // Lines that come while it fails are told of as they come.
    if (!known) this.#onTrouble(error, [...linesOf(this.#batch.bytes.toString()), ...this.#waiting.all()]);
  }

  /** Gives up on everything that waits. */
  #lose(error: NodeJS.ErrnoException): void {
    const lost = [...linesOf(this.#batch.bytes.toString()), ...this.#waiting.all()];
    this.#endBatch();
    this.#waiting.clear();
    this.#dead = true;
    this.dropped.unwritable += lost.length;
    this.#onTrouble(error, this.failing ? [] : lost);
    this.failing = true;
    this.#onIdle?.();
  }

  #retryIn(ms: number): void {
    this.#retry = setTimeout(() => this.#attempt(), ms);
    // Lines alone do not keep the process alive; the flush at exit gives them a last chance.
    this.#retry.unref();
  }

  #attempt(): void {
    clearTimeout(this.#retry);
    this.#retry = undefined;
    this.#pump();
  }

  /** A thread of the system writes it, which may not have begun: what is written past it would come before it. */
  #awaitWrite(): void {
    const after = this.#sizeAfter;
    if (after === undefined) return;
    for (let ms = 0; ms < EXIT_WRITE_MS && (fileSize(this.#target.fd) ?? after) < after; ms += EXIT_LOOK_MS) {
      pause(EXIT_LOOK_MS);
    }
  }

  #writeSync(bytes: Buffer): void {
    let left = bytes;
    for (let tries = 0; left.length > 0; ) {
      try {
        left = left.subarray(writeSync(this.#target.fd, left));
      } catch (error) {
        if (!isBusy(error as NodeJS.ErrnoException) || ++tries > EXIT_TRIES) throw error;
        pause(EXIT_PAUSE_MS);
      }
    }
    this.#endBatch();
  }
}
