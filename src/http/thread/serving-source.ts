import { type Serving, sameServing, servingWithout } from '../grpc-health/serving.ts';

/** Read anew with every other beat, for what changes without our being told. */
const REFRESH_BEATS = 2;

/** Tells which gRPC services serve: after every change that is heard of, and soon after any other. In the main thread. */
export class ServingSource {
  readonly #read: () => Serving;
  readonly #tell: (serving: Serving) => void;
  #told: Serving = {};
  #beats = 0;
  #scheduled: NodeJS.Immediate | undefined;

  constructor(read: () => Serving, tell: (serving: Serving) => void) {
    this.#read = read;
    this.#tell = tell;
  }

  tell(): void {
    this.#told = this.#readSafely();
    this.#tell(this.#told);
  }

  beat(): void {
    if (++this.#beats % REFRESH_BEATS !== 0) return;
    if (!sameServing(this.#told, this.#readSafely())) this.tell();
  }

  /** Health may have changed. It is read once the caller is done, for in the middle of an event the levels may not have followed it yet. */
  changed(): void {
    this.#scheduled ??= setImmediate(() => {
      this.#scheduled = undefined;
      // Also where nothing is different: somebody may wait to hear that.
      this.tell();
    });
  }

  close(): void {
    clearImmediate(this.#scheduled);
  }

  /** What cannot be read is not relied on. */
  #readSafely(): Serving {
    try {
      return this.#read();
    } catch {
      return servingWithout(this.#told, false);
    }
  }
}
