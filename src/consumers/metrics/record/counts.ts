const STEP = 16;

/** Counts by whole number, held for the range from the least to the greatest that has been counted. */
export class Counts {
  /** The number that `cells[0]` counts. */
  offset = 0;
  cells: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** Numbers that have a count. */
  populated = 0;

  add(index: number, step = 1): void {
    let cell = index - this.offset;
    if (cell < 0 || cell >= this.cells.length) {
      this.#extendTo(index);
      cell = index - this.offset;
    }
    const before = this.cells[cell] as number;
    if (before === 0) this.populated++;
    this.cells[cell] = before + step;
  }

  /** How wide the range would be with this number in it. */
  spanWith(index: number): number {
    if (this.cells.length === 0) return 1;
    return Math.max(this.offset + this.cells.length - 1, index) - Math.min(this.offset, index) + 1;
  }

  clear(): void {
    this.cells = new Float64Array(0);
    this.populated = 0;
  }

  /** Hands each number that has a count, rising, to `take`. */
  forEach(take: (index: number, count: number) => void): void {
    const { cells, offset } = this;
    for (let cell = 0; cell < cells.length; cell++) {
      const count = cells[cell] as number;
      if (count !== 0) take(offset + cell, count);
    }
  }

  #extendTo(index: number): void {
    const { cells: old, offset } = this;
    if (old.length === 0) {
      this.offset = index - (STEP >> 1);
      this.cells = new Float64Array(STEP);
      return;
    }
    const below = Math.max(0, Math.ceil((offset - index) / STEP)) * STEP;
    const above = Math.max(0, Math.ceil((index - (offset + old.length - 1)) / STEP)) * STEP;
    this.cells = new Float64Array(below + old.length + above);
    this.cells.set(old, below);
    this.offset = offset - below;
  }
}
