/** Requests that are over and whose logs may still come. */
const MAX_RECENT = 64;

/** The requests on one link that have no answer yet, by the ids they have here and those that the worker knows them by. */
export class OpenRequests {
  readonly #names = new Map<number, string>();
  readonly #ids = new Map<string, number>();
  readonly #recent: string[] = [];
  /** Of those, what has died with its process: without having begun (true) or not. */
  readonly #lost = new Map<number, boolean>();

  add(id: number, requestId: string): void {
    this.#names.set(id, requestId);
    if (requestId !== '') this.#ids.set(requestId, id);
  }

  has(id: number): boolean {
    return this.#names.has(id);
  }

  nameOf(id: number): string {
    return this.#names.get(id) ?? '';
  }

  /** Also of one that is over, where it is still remembered. */
  idOf(requestId: string): number | null {
    return this.#ids.get(requestId) ?? null;
  }

  /**
   * Takes out a request that has its answer.
   *
   * @param remember - whether what it says may come later
   * @returns false when it was not open
   */
  settle(id: number, remember: boolean): boolean {
    const requestId = this.#names.get(id);
    if (requestId === undefined) return false;
    this.#names.delete(id);
    if (this.#ids.get(requestId) !== id) return true;
    if (remember) this.#remember(requestId);
    else this.#ids.delete(requestId);
    return true;
  }

  /**
   * The process that had a request is gone.
   *
   * @param untouched - it had not begun
   * @returns whether it is the first
   */
  lose(id: number, untouched: boolean): boolean {
    const first = this.#lost.size === 0;
    this.#lost.set(id, untouched);
    return first;
  }

  /** Where the worker has told what it had not begun, the last of what it had; else nothing is known. */
  get lastStarted(): readonly number[] {
    if (![...this.#lost.values()].includes(true)) return [];
    const began = [...this.#names.keys()].filter((id) => this.#lost.get(id) !== true);
    return [began.at(-1) ?? 0];
  }

  #remember(requestId: string): void {
    this.#recent.push(requestId);
    if (this.#recent.length <= MAX_RECENT) return;
    const oldest = this.#recent.shift() as string;
    // It may have been started again.
    if (!this.#names.has(this.#ids.get(oldest) ?? 0)) this.#ids.delete(oldest);
  }
}
